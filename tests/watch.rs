//! A watched folder and its collection stay in step, until a signal ends that without loss.

use crate::ingest::{lines, ragstone};
use crate::support::{RAGSTONE, Server, models};
use serde_json::Value;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(docs: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(RAGSTONE)
            .args(["ingest", docs.to_str().unwrap(), "--collection", "c", "--json", "--watch", "--interval", "1"])
            .args(more)
            .arg("--models")
            .arg(models())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for the next line, and compares what it tells.
    fn tells(&mut self, uri: &str, outcome: &str) {
        let line: Value = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((line["uri"].as_str(), line["outcome"].as_str()), (Some(uri), Some(outcome)), "{line}");
    }

    fn end(mut self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let last: Value = serde_json::from_str(&self.lines.last().unwrap().unwrap()).unwrap();
        assert_eq!(last["summary"]["failed"], 1, "{last}");
    }
}

fn check(docs: &Path, more: &[&str], signal: rustix::process::Signal) {
    let put = |name: &str, text: &str| std::fs::write(docs.join(name), text).unwrap();
    std::fs::create_dir(docs).unwrap();
    put("a.txt", "The travel desk answers within a day.");
    let mut watch = Watch::start(docs, more);
    watch.tells("a.txt", "added");
    put("b.txt", "Berths are booked with the harbour master.");
    watch.tells("b.txt", "added");
    put("a.txt", "The travel desk answers within a week.");
    watch.tells("a.txt", "replaced");
    put("c.pdf", "%PDF-1.4 no");
    watch.tells("c.pdf", "failed");
    std::fs::remove_file(docs.join("b.txt")).unwrap();
    watch.tells("b.txt", "removed");
    watch.end(signal);
}

#[test]
fn changes_are_taken_in_and_a_signal_ends_it_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    check(&docs, &["--data", data.to_str().unwrap()], rustix::process::Signal::TERM);
    let listed = lines(&ragstone(&data, &["documents", "list", "--collection", "c", "--json"]));
    let listed = listed[0]["documents"].as_array().unwrap();
    assert_eq!(listed.iter().map(|document| &document["uri"]).collect::<Vec<_>>(), ["a.txt"]);
}

#[test]
fn a_watch_keeps_a_server_in_step_and_leaves_other_documents_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    server.post("/v1/collections", serde_json::json!({"name": "c"}));
    server.upload("c", &[("elsewhere.txt", b"This came another way.".to_vec())], None);
    check(&folder.path().join("docs"), &["--server", &server.url("")], rustix::process::Signal::INT);
    assert_eq!(server.get("/v1/collections/c")["documents"], 2);
}
