//! `deltrail findings --notify-test`: receivers on loopback that are there and not there.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use serde_json::Value;

use super::run;
use crate::emulator::free_address;
use crate::requirement::scratch;

/// Takes one request, answers well, and gives its body.
fn receiver() -> (String, JoinHandle<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let receiving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        serde_json::from_slice(&body).unwrap()
    });
    (url, receiving)
}

#[test]
fn a_test_says_who_is_reached_and_who_is_not() {
    let folder = scratch("findings-notify-test");
    let none = run(&folder, &["findings", "--notify-test"]);
    assert_eq!((none.code, none.stdout.as_str()), (1, ""));
    assert!(none.stderr.contains("set notify-webhook"), "{}", none.stderr);

    let file = folder.join("deltrail.toml");
    let (url, receiving) = receiver();
    std::fs::write(&file, format!("notify-webhook = \"{url}\"\n")).unwrap();
    let reached = run(&folder, &["findings", "--notify-test"]);
    assert_eq!(
        (reached.code, reached.stdout.as_str()),
        (0, "webhook: told\n"),
        "{}",
        reached.stderr
    );
    let body = receiving.join().unwrap();
    assert!(body.to_string().contains("deltrail-notify-test"), "{body:#}");
    assert!(!folder.join("deltrail.db").exists(), "a test makes no store");

    let (url, receiving) = receiver();
    let nobody = free_address();
    let settings =
        format!("notify-webhook = \"{url}\"\nnotify-alertmanager = [\"http://{nobody}\"]\n");
    std::fs::write(&file, settings).unwrap();
    let one = run(&folder, &["findings", "--notify-test"]);
    assert_eq!(one.code, 1, "{}", one.stderr);
    let lines: Vec<&str> = one.stdout.lines().collect();
    assert_eq!(lines[0], "webhook: told");
    assert!(lines[1].starts_with("alertmanager: not told: "), "{lines:?}");
    assert!(lines[1].contains(&nobody.to_string()), "{lines:?}");
    receiving.join().unwrap();
}
