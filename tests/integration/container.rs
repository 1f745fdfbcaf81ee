//! The container image, without a container engine: its last stage, assembled around a program that
//! was built before, and this program run in it as an engine would. Knows the image's contract; the
//! stage that builds needs an image from a registry, and is not run here.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::emulator::free_address;
use crate::requirement::{missing, root, scratch, skipped, tool};

/// What may be downloaded for one start, layers compressed. The tests of each change have a debug
/// build.
const COMPRESSED_BYTES_MAX: u64 = 28_000_000;
const USER: u32 = 65532;
const STORE: &str = "var/lib/deltrail";
const ROOTS_OF_TRUST: &str = "etc/ssl/certs/ca-certificates.crt";

/// Runs the program in the image's root as an engine would with a read-only root and a new volume.
/// The folder and the user are given; the program's process takes the place of the shell.
const ENGINE: &str = r#"
root=$1 folder=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o "uid=$user,gid=$user,mode=0755" store "$root/var/lib/deltrail"
exec unshare --root="$root" --wd="$folder" --setgid="$user" --setuid="$user" "$@"
"#;

/// The assembled image.
struct Image {
    root: PathBuf,
    config: Value,
    /// Of all layers, as a registry serves them.
    compressed_bytes: u64,
}

fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {status}\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

fn json_file(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The static program that the image is assembled around.
fn program() -> Option<PathBuf> {
    let program = std::env::var_os("DELTRAIL_TEST_STATIC_PROGRAM").map(|path| root().join(path));
    if program.is_none() {
        missing(
            "DELTRAIL_TEST_STATIC_PROGRAM names no program; `make test` builds one and sets it",
        );
    }
    program
}

/// The image, assembled once; `None` where that cannot be done, which has been said then.
fn image() -> Option<&'static Image> {
    static IMAGE: OnceLock<Option<Image>> = OnceLock::new();
    IMAGE
        .get_or_init(|| {
            let mounts = Command::new("unshare").args(["--mount", "true"]).output();
            if !mounts.is_ok_and(|output| output.status.success()) {
                skipped("the image is assembled and run as root, where mounts are allowed");
                return None;
            }
            Some(assemble(&tool("tools/bin", "buildah")?, &program()?))
        })
        .as_ref()
}

fn assemble(buildah: &Path, program: &Path) -> Image {
    let folder = scratch("container");
    // What the stage that builds leaves, at the same paths.
    let built = folder.join("built");
    fs::create_dir_all(built.join("image/store")).unwrap();
    let rooted = built.join("image/root");
    fs::create_dir_all(rooted.join("var/lib")).unwrap();
    fs::create_dir_all(rooted.join("etc/ssl/certs")).unwrap();
    fs::copy(program, rooted.join("deltrail")).unwrap();
    fs::copy(Path::new("/").join(ROOTS_OF_TRUST), rooted.join(ROOTS_OF_TRUST)).unwrap();

    let run = |arguments: &[&str]| {
        let mut command = Command::new(buildah);
        command.arg("--root").arg(folder.join("storage")).arg("--runroot").arg(folder.join("run"));
        succeed(command.args(["--storage-driver", "vfs"]).args(arguments).current_dir(root()))
    };
    let context = format!("builder={}", built.display());
    run(&[
        &["bud", "--quiet", "--isolation=chroot", "--format=docker", "--target=final"][..],
        &["--build-arg=DELTRAIL_REVISION=0123abc", "--tag=deltrail", "--build-context", &context],
        &["."],
    ]
    .concat());
    let packed = folder.join("packed");
    run(&["push", "--quiet", "deltrail", &format!("oci:{}", packed.display())]);
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:");
        packed.join("blobs/sha256").join(digest)
    };
    let manifest = json_file(&blob(&json_file(&packed.join("index.json"))["manifests"][0]));
    let layers = manifest["layers"].as_array().unwrap();
    assert!(layers.iter().all(|layer| layer["mediaType"].as_str().unwrap().ends_with("+gzip")));
    let compressed_bytes = layers.iter().map(|layer| layer["size"].as_u64().unwrap()).sum();

    let inspected = run(&["inspect", "--type=image", "deltrail"]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let container = run(&["from", "--pull-never", "deltrail"]);
    let mounted = PathBuf::from(run(&["mount", &container]));
    // An engine makes these two.
    fs::create_dir(mounted.join("proc")).unwrap();
    fs::write(mounted.join("etc/hosts"), "127.0.0.1 localhost queues.example\n").unwrap();
    Image { root: mounted, config: inspected["Docker"]["config"].clone(), compressed_bytes }
}

impl Image {
    fn words(&self, field: &str) -> Vec<&str> {
        let words = self.config[field].as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap()).collect()
    }

    /// The image's program with these arguments, and with the image's own environment and more.
    fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let user = self.config["User"].as_str().unwrap().split(':').next().unwrap();
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--", "sh", "-ec", ENGINE, "engine"])
            .arg(&self.root)
            .args([self.config["WorkingDir"].as_str().unwrap(), user])
            .args(self.words("Entrypoint"))
            .args(arguments)
            .env_clear()
            .envs(self.words("Env").iter().map(|pair| pair.split_once('=').unwrap()))
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        command
    }
}

/// A program that was started; killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_image_says_what_it_is_and_how_it_is_run() {
    let Some(image) = image() else { return };
    let expected = json!({
        "User": "65532:65532",
        "WorkingDir": "/var/lib/deltrail",
        "Volumes": { "/var/lib/deltrail": {} },
        "ExposedPorts": { "10118/tcp": {} },
        "Entrypoint": ["/deltrail"],
        "Cmd": ["run"],
        "StopSignal": "SIGTERM",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&image.config[field], value, "{field}");
    }
    for variable in ["DELTRAIL_STORE=sqlite:///var/lib/deltrail/deltrail.db", "MALLOC_ARENA_MAX=2"]
    {
        assert!(image.words("Env").contains(&variable), "{variable}");
    }
    assert_eq!(image.config["Healthcheck"]["Test"], json!(["CMD", "/deltrail", "healthcheck"]));
    let label = |name| &image.config["Labels"][format!("org.opencontainers.image.{name}")];
    assert_eq!(label("title"), "deltrail");
    assert_eq!(label("description"), env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
    assert_eq!(label("revision"), "0123abc");
    let told = succeed(&mut image.command(&["--version"], &[]));
    assert_eq!(told, format!("deltrail {}", label("version").as_str().unwrap()));
}

#[test]
fn only_the_store_belongs_to_the_user_that_runs() {
    let Some(image) = image() else { return };
    let owner = |path: &str| fs::metadata(image.root.join(path)).unwrap().uid();
    assert_eq!(owner(STORE), USER);
    for path in ["", "var", "var/lib", ROOTS_OF_TRUST, "deltrail", "LICENSE"] {
        assert_eq!(owner(path), 0, "/{path}");
    }
}

#[test]
fn the_image_is_small() {
    let Some(image) = image() else { return };
    let bytes = image.compressed_bytes;
    assert!(bytes <= COMPRESSED_BYTES_MAX, "{bytes} bytes compressed");
}

/// Only the release build is what the README speaks of.
#[test]
fn the_readme_tells_the_size_of_the_image() {
    let Some(program) = program().filter(|path| path.ends_with("release/deltrail")) else { return };
    let Some(image) = image() else { return };
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (before, _) = readme.split_once(" MB compressed").expect("the README tells a size");
    let told: f64 = before.rsplit(' ').next().unwrap().parse().unwrap();
    let megabytes = image.compressed_bytes as f64 / 1e6;
    let wrong = (told / megabytes - 1.0).abs();
    assert!(wrong <= 0.1, "{megabytes:.1} MB of {}, not {told}", program.display());
}

/// It finds hosts by name without the C library's modules, keeps its store where the volume is, and
/// needs to write nowhere else.
#[test]
fn the_daemon_lives_in_the_image_with_a_read_only_root() {
    let Some(image) = image() else { return };
    let ops = free_address().to_string();
    let queues = TcpListener::bind("127.0.0.1:0").unwrap();
    queues.set_nonblocking(true).unwrap();
    let port = queues.local_addr().unwrap().port();
    let queue_url = format!("http://queues.example:{port}/111122223333/trail-logs");
    let environment = [
        ("DELTRAIL_OPS_LISTEN", ops.as_str()),
        ("DELTRAIL_APP_LISTEN", "127.0.0.1:0"),
        ("DELTRAIL_QUEUE_URL", &queue_url),
        ("DELTRAIL_LOG_BUCKET", "trail-logs"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let mut healthcheck = image.command(&["healthcheck"], &environment);
    let mut healthy = || healthcheck.output().unwrap().status.success();
    assert!(!healthy(), "healthy before it was started");

    let mut daemon = Running(image.command(&image.words("Cmd"), &environment).spawn().unwrap());
    until("the daemon is healthy", || healthy().then_some(()));
    until("the daemon calls the queue's host", || queues.accept().ok());
    let its_root = PathBuf::from(format!("/proc/{}/root", daemon.0.id()));
    let store = fs::metadata(its_root.join(STORE).join("deltrail.db")).unwrap();
    assert_eq!(store.uid(), USER);
    let refused = fs::set_permissions(its_root.join("deltrail"), Permissions::from_mode(0o755));
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ReadOnlyFilesystem);

    succeed(Command::new("kill").args(["-TERM", &daemon.0.id().to_string()]));
    let status = until("the daemon ends", || daemon.0.try_wait().unwrap());
    assert!(status.success(), "after SIGTERM: {status}");
}

#[test]
fn the_demo_agrees_in_the_image() {
    let Some(image) = image() else { return };
    succeed(&mut image.command(&["demo", "--once", "--day-seconds", "6"], &[]));
}
