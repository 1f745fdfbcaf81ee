-- Of this database only: who writes to the store, and whose watermarks each of them holds, so that
-- none moves what another one still has to read. Times are those of the server, in milliseconds
-- since the Unix epoch: the clocks of the replicas are not compared.

CREATE TABLE replicas (
    writer TEXT COLLATE "C" PRIMARY KEY,
    heard_at BIGINT NOT NULL                 -- when it last said whom it holds
) WITH (fillfactor = 50);

CREATE TABLE holds (
    writer TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,        -- '' when it holds all sources
    account TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    since_at BIGINT NOT NULL,
    PRIMARY KEY (writer, source, account, region)
);
