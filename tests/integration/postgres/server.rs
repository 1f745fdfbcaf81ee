//! A real PostgreSQL for the tests: on loopback, in a folder of its own, gone with the process that
//! started it. It knows nothing of the program; the library's own tests use it too.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// The role that owns everything, and its password.
const ROLE: &str = "deltrail";
pub const PASSWORD: &str = "s3cret of the tests";

/// The host that the server's certificate is for.
pub const HOST: &str = "localhost";

/// Whom a server that root starts runs as: PostgreSQL refuses to run as root. It is in every
/// Debian's `/etc/passwd` as `nobody`.
const UNPRIVILEGED: u32 = 65_534;

/// Runs the server until the process that holds its pipe is gone, however it went, then removes its
/// folder. The pipe also takes orders.
const KEEPER: &str = r#"
folder=$1; shift
"$@" & server=$!
while read -r order; do
    case $order in
    stop) kill -INT "$server"; wait "$server"; server= ;;
    start) "$@" & server=$! ;;
    esac
done
if [ -n "$server" ]; then kill -QUIT "$server"; wait "$server"; fi
rm -rf "$folder"
"#;

/// An empty database of a test, on a server that may have others.
pub struct Database<'a> {
    server: &'a Server,
    name: String,
    /// Its address, as `--store` takes it.
    pub url: String,
}

/// A running server.
pub struct Server {
    programs: PathBuf,
    address: SocketAddr,
    folder: PathBuf,
    /// Closed when the process ends, and that ends the server.
    keeper: Mutex<Child>,
    databases: AtomicU32,
}

impl Server {
    /// Starts a server with these settings of its own, such as `fsync=off`; `None` when PostgreSQL
    /// is not installed, which has been said then.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            let reason = "PostgreSQL is missing; `make test-tools` installs it";
            assert!(std::env::var_os("DELTRAIL_TEST_REQUIRE_ALL").is_none(), "{reason}");
            let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("deltrail-postgres-").tempdir().unwrap();
        let folder = folder.keep();
        own(&folder);
        make_cluster(&programs, &folder);
        make_certificates(&folder);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(folder.join("output.log")).unwrap();
        let server = unprivileged(&programs.join("postgres"));
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(server.get_program())
            .args(server.get_args())
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-k", ""])
            .args(["-c", "max_connections=300", "-c", "log_min_messages=warning"])
            .args(["-c", "ssl=on"])
            .args(settings.iter().flat_map(|&setting| ["-c", setting]))
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let (keeper, databases) = (Mutex::new(keeper), AtomicU32::new(0));
        let server = Self { programs, address, folder, keeper, databases };
        server.wait_until_ready();
        Some(server)
    }

    /// Makes an empty database.
    pub fn database(&self) -> Database<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.ask("postgres", &format!("CREATE DATABASE {name}"));
        let password = PASSWORD.replace(' ', "%20");
        let url = format!("postgres://{ROLE}:{password}@{}/{name}", self.address);
        Database { server: self, name, url }
    }

    /// The certificate, as PEM, of the authority that signed the server's.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// The server's port on loopback.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    fn ask(&self, database: &str, statements: &str) -> String {
        let asked = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set"])
            .args(["ON_ERROR_STOP=1", "--host", "127.0.0.1", "--username", ROLE, "--port"])
            .args([&self.port().to_string(), "--dbname", database, "--command"])
            .arg(statements)
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&asked.stderr);
        assert!(asked.status.success(), "{statements}: {error}\n{}", self.output());
        String::from_utf8(asked.stdout).unwrap().trim_end().to_owned()
    }

    /// Stops the server; who is connected loses the connection.
    pub fn stop(&self) {
        self.order("stop");
        let ended = || !self.folder.join("data/postmaster.pid").exists();
        wait_until("the server has stopped", self, ended);
    }

    /// Starts it again after [`Self::stop`], at the same address.
    pub fn start_again(&self) {
        self.order("start");
        self.wait_until_ready();
    }

    fn order(&self, word: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        let pipe = keeper.stdin.as_mut().unwrap();
        writeln!(pipe, "{word}").unwrap();
    }

    fn wait_until_ready(&self) {
        let is_ready = || {
            let mut asking = Command::new(self.programs.join("pg_isready"));
            asking.args(["--host", "127.0.0.1", "--port", &self.port().to_string()]);
            asking.stdout(Stdio::null()).status().unwrap().success()
        };
        wait_until("the server is ready", self, is_ready);
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.folder.join("output.log")).unwrap_or_default()
    }
}

impl Database<'_> {
    /// Runs statements, and gives what they answer, one row a line, with `|` between the columns.
    pub fn ask(&self, statements: &str) -> String {
        self.server.ask(&self.name, statements)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut keeper = self.keeper.lock().unwrap();
        drop(keeper.stdin.take());
        let _ = keeper.wait();
    }
}

fn wait_until(what: &str, server: &Server, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within 60 s: {what}\n{}", server.output());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The folder of PostgreSQL's programs: where Debian puts them, the newest version; else where
/// `postgres` is on the `PATH`.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    let newest = folders.filter(|folder| folder.join("postgres").exists()).max_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest.or_else(|| std::env::split_paths(&path).find(|it| it.join("postgres").exists()))
}

/// Makes the tables of a new cluster. Texts are ordered as people do in English, to show that the
/// program does not rely on how a server orders them.
fn make_cluster(programs: &Path, folder: &Path) {
    let password = folder.join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    own(&password);
    let made = unprivileged(&programs.join("initdb"))
        .args(["--username", ROLE, "--auth", "scram-sha-256", "--no-sync", "--encoding", "UTF8"])
        .args(["--locale-provider", "icu", "--icu-locale", "en-US", "--locale", "C"])
        .arg("--pwfile")
        .arg(password)
        .arg("--pgdata")
        .arg(folder.join("data"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
}

/// Makes an authority, and a certificate that it signed for the server.
fn make_certificates(folder: &Path) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let signed = authority.self_signed(&key).unwrap();
    std::fs::write(folder.join("authority.pem"), signed.pem()).unwrap();
    let authority = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new([HOST.to_owned()]).unwrap();
    let signed = server.signed_by(&key, &authority).unwrap();
    for (name, pem) in [("server.crt", signed.pem()), ("server.key", key.serialize_pem())] {
        let path = folder.join("data").join(name);
        std::fs::write(&path, pem).unwrap();
        own(&path);
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that runs as this user, or as nobody when this user is root.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let user = UNPRIVILEGED.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]).arg(program);
    command
}

/// Gives a file to the user that the server runs as, and to nobody else.
fn own(path: &Path) {
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
    if is_root() {
        chown(path, Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
    }
}
