//! Who acts in a trail: roles that programs and people have taken on, in sessions of their own, and
//! some users of IAM. A few of them act at any time, and others come when those go. It knows
//! nothing of what they do.

use super::chance::Chance;

pub const ACCOUNT: &str = "111122223333";

/// Those who act at the same time.
const PRESENT: usize = 8;
/// How often, in a thousand records, one of them goes and another one comes.
const TURNS_PER_THOUSAND: u64 = 40;
/// Sessions of each role.
const SESSIONS: usize = 12;

/// How sessions of a role are named, and what its programs call themselves.
struct Role {
    name: &'static str,
    /// See [`Chance::filled`].
    session: &'static str,
    user_agent: &'static str,
    origin: Origin,
    writes: bool,
}

/// How somebody came by a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// An instance of EC2 has it.
    Instance,
    /// A task or function was started with it.
    Service,
    /// A pod showed a token of its cluster.
    Cluster,
    /// A person signed in.
    Person,
}

const ROLES: [Role; 7] = [
    Role {
        name: "image-service-task",
        session: "%h%h%h%h",
        user_agent: "aws-sdk-java/2.31.50 md/io#sync md/http#Apache ua/2.1 api/S3#2.31.x \
                     os/Linux#6.1.134 lang/java#21.0.7 exec-env/AWS_ECS_FARGATE m/F,C,E,Z",
        origin: Origin::Service,
        writes: true,
    },
    Role {
        name: "thumbnail-maker",
        session: "thumbnail-maker-live",
        user_agent: "Boto3/1.38.23 md/Botocore#1.38.23 ua/2.1 os/linux#5.10.235-245.983.amzn2 \
                     md/arch#aarch64 lang/python#3.13.3 exec-env/AWS_Lambda_python3.13 m/b,Z,D,E",
        origin: Origin::Service,
        writes: true,
    },
    Role {
        name: "retention-sweeper",
        session: "i-0%i",
        user_agent: "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.3 md/GOOS#linux \
                     md/GOARCH#amd64 api/s3#1.79.4 m/E,g ft/s3-transfer",
        origin: Origin::Instance,
        writes: true,
    },
    Role {
        name: "uploads-api",
        session: "uploads-api-%h%n",
        user_agent: "aws-sdk-js/3.812.0 ua/2.1 os/linux#6.1.134-150.224.amzn2023.x86_64 lang/js \
                     md/nodejs#22.15.0 api/s3#3.812.0 m/E,N,e,k",
        origin: Origin::Cluster,
        writes: true,
    },
    Role {
        name: "nightly-reports",
        session: "i-0%i",
        user_agent: "Hadoop 3.4.1-amzn-0, aws-sdk-java/2.29.52 md/io#sync md/http#Apache ua/2.1 \
                     os/Linux#6.1.132-147.221.amzn2023 lang/java#17.0.15 md/scala/2.12.18",
        origin: Origin::Instance,
        writes: true,
    },
    Role {
        name: "AWSReservedSSO_Engineers_0c4f7a91d2e6b358",
        session: "engineer.%n@example.com",
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/136.0.0.0 Safari/537.36",
        origin: Origin::Person,
        writes: false,
    },
    Role {
        name: "monitoring-reader",
        session: "collector-%h",
        user_agent: "aws-cli/2.27.20 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0-1029-aws \
                     md/arch#x86_64 lang/python#3.13.3 md/pyimpl#CPython m/b,C,E,Z \
                     cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 \
                     md/command#cloudwatch.get-metric-data",
        origin: Origin::Service,
        writes: false,
    },
];

const USERS: [(&str, &str); 3] = [
    (
        "ci-uploader",
        "aws-cli/2.27.20 md/awscrt#0.26.1 ua/2.1 os/linux#6.11.0 md/arch#x86_64 \
                     lang/python#3.13.3 md/pyimpl#CPython m/E,b,Z,n cfg/retry-mode#standard \
                     md/installer#exe md/distrib#ubuntu.24 md/prompt#off md/command#s3.sync",
    ),
    ("legacy-transfer", "S3Manager, aws-sdk-go/1.55.7 (go1.22.12; linux; amd64) S3Manager"),
    ("r.castell", "Cyberduck/9.1.6.43337 (Mac OS X/15.4.1) (aarch64)"),
];

/// Somebody who acts.
pub struct Actor {
    /// `userIdentity`, in JSON.
    pub identity: String,
    pub user_agent: String,
    /// `vpcEndpointId`, of those who reach AWS through one.
    pub endpoint: Option<String>,
    pub address: String,
    pub is_person: bool,
    writes: bool,
}

/// Everybody.
pub struct Cast {
    all: Vec<Actor>,
    present: Vec<usize>,
    writing: Vec<usize>,
}

impl Cast {
    pub fn new(chance: &Chance) -> Self {
        let of_roles = ROLES.iter().flat_map(|role| (0..SESSIONS).map(|_| in_role(role, chance)));
        let mut all: Vec<Actor> = of_roles.collect();
        all.extend(USERS.iter().map(|(name, agent)| user(name, agent, chance)));
        let mut cast = Self { all, present: Vec::new(), writing: Vec::new() };
        (0..PRESENT).for_each(|_| cast.come(chance));
        cast
    }

    /// Time goes by: sometimes one goes and another comes.
    pub fn turn(&mut self, chance: &Chance) {
        if chance.of_thousand(TURNS_PER_THOUSAND) {
            self.present.remove(chance.early(PRESENT));
            self.writing.remove(chance.early(PRESENT));
            self.come(chance);
        }
    }

    fn come(&mut self, chance: &Chance) {
        let positions: Vec<usize> = (0..self.all.len()).collect();
        self.present.push(*chance.one_of(&positions));
        let writes = |at: &usize| self.all[*at].writes;
        let writing: Vec<usize> = positions.into_iter().filter(writes).collect();
        self.writing.push(*chance.one_of(&writing));
    }

    /// One of those who act now, some of them far more often than others.
    pub fn anyone(&self, chance: &Chance) -> &Actor {
        &self.all[self.present[chance.early(PRESENT)]]
    }

    /// One of those who write to S3 now.
    pub fn writer(&self, chance: &Chance) -> &Actor {
        &self.all[self.writing[chance.early(PRESENT)]]
    }
}

fn in_role(role: &Role, chance: &Chance) -> Actor {
    let Role { name, user_agent, origin, writes, .. } = role;
    let session = chance.filled(role.session);
    let id =
        format!("AROA{:0<17}", name.replace(|c: char| !c.is_alphanumeric(), "").to_uppercase());
    let id = &id[..21];
    let key = chance.filled("ASIA%A");
    let federation = match origin {
        Origin::Cluster => format!(
            concat!(
                r#","webIdFederationData":{{"federatedProvider":"arn:aws:iam::{account}:"#,
                r"oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/",
                r#"8F4D2C6A90B1E37580AC64EF12D9B735","attributes":{{}}}}"#
            ),
            account = ACCOUNT
        ),
        _ => String::new(),
    };
    let delivery = if *origin == Origin::Instance { r#","ec2RoleDelivery":"2.0""# } else { "" };
    let multi_factor = *origin == Origin::Person;
    let began = format!("2026-11-23T{:02}:{:02}:{:02}Z", chance.below(6), chance.below(60), 7);
    let identity = format!(
        concat!(
            r#"{{"type":"AssumedRole","principalId":"{id}:{session}","#,
            r#""arn":"arn:aws:sts::{account}:assumed-role/{name}/{session}","#,
            r#""accountId":"{account}","accessKeyId":"{key}","#,
            r#""sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","#,
            r#""arn":"arn:aws:iam::{account}:role/{name}","accountId":"{account}","#,
            r#""userName":"{name}"}}{federation},"#,
            r#""attributes":{{"creationDate":"{began}","mfaAuthenticated":"{multi_factor}"}}"#,
            r#"{delivery}}}}}"#,
        ),
        account = ACCOUNT,
        id = id,
        session = session,
        name = name,
        key = key,
        federation = federation,
        began = began,
        multi_factor = multi_factor,
        delivery = delivery,
    );
    let is_person = *origin == Origin::Person;
    let endpoint = (!is_person).then(|| chance.filled("vpce-0%i"));
    let address = if is_person { public_address(chance) } else { private_address(chance) };
    let user_agent = (*user_agent).to_owned();
    Actor { identity, user_agent, endpoint, address, is_person, writes: *writes }
}

fn user(name: &str, user_agent: &str, chance: &Chance) -> Actor {
    let (id, key) = (chance.filled("AIDA%A"), chance.filled("AKIA%A"));
    let identity = format!(
        concat!(
            r#"{{"type":"IAMUser","principalId":"{id}Z","#,
            r#""arn":"arn:aws:iam::{account}:user/{name}","accountId":"{account}","#,
            r#""accessKeyId":"{key}","userName":"{name}"}}"#,
        ),
        id = id,
        account = ACCOUNT,
        name = name,
        key = key,
    );
    Actor {
        identity,
        user_agent: user_agent.to_owned(),
        endpoint: None,
        address: public_address(chance),
        is_person: false,
        writes: true,
    }
}

fn private_address(chance: &Chance) -> String {
    format!("10.{}.{}.{}", chance.below(4), chance.below(256), chance.below(256))
}

/// Of the networks that documents may use.
fn public_address(chance: &Chance) -> String {
    format!("{}.{}", chance.one_of(&["192.0.2", "198.51.100", "203.0.113"]), chance.below(256))
}
