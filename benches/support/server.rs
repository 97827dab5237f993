//! The built server in a process of its own, and a client of it that costs little beside what is measured.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts the server over a data folder, and returns it with its address.
pub fn start(data: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ragstone"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines().map_while(Result::ok);
    let address = lines.by_ref().find_map(|line| line.find("http://").map(|at| line[at + 7..].trim().to_owned()));
    std::thread::spawn(move || lines.for_each(drop));
    (child, address.expect("the server says where it listens"))
}

/// Ends the server.
pub fn end(mut child: Child) {
    // The process may be gone already.
    let _ = child.kill();
    let _ = child.wait();
}

/// Returns the most memory that the server has had, in MiB.
pub fn memory_mib(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// One connection that is kept open, since a client library would cost more than what is measured.
pub struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Client {
    /// Connects to an address.
    pub fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("TCP_NODELAY is known");
        Self { stream: BufReader::new(stream), address: address.to_owned() }
    }

    /// Sends a body and returns the answer, which must say that all went well.
    pub fn post(&mut self, path: &str, body: &str) -> String {
        self.send("POST", path, body)
    }

    /// Sends a request and returns the answer, which must say that all went well.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = self.request(method, path, "application/json", body.as_bytes());
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Sends bytes of a kind, and returns the status and the answer.
    pub fn request(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).expect("the server reads");
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("the server answers");
            if status.is_empty() {
                status = line.clone();
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).expect("the whole answer");
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, String::from_utf8(answer).expect("UTF-8"))
    }

    /// Waits until most rows of the collection `bench` are in its graph, a quarter of an hour at most.
    pub fn wait_until_sealed(&mut self) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(900) {
            let info: Value = serde_json::from_str(&self.send("GET", "/v1/collections/bench", "")).expect("JSON");
            let covered = info["index"]["rows"].as_u64().unwrap_or(0);
            if covered as f64 > 0.9 * info["chunks"].as_u64().unwrap_or(0) as f64 {
                return;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}
