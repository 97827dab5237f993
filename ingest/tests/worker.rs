//! Worker processes: a hostile file fails alone, with its reason, and the next file is read.
//!
//! The child is this test binary itself, started to run one test that is the worker's main loop.

use std::time::{Duration, Instant};

use ragstone_ingest::worker::{WorkerCommand, WorkerPool, run_worker};
use ragstone_ingest::{Limits, ReadError};

use crate::fixture::pdf;

/// Tells the test below that it is the child. The test harness takes it as a filter for names that no test has.
const CHILD: &str = "as-a-child-process";

#[test]
fn a_child_process_serves_until_its_input_ends() {
    if std::env::args().any(|argument| argument == CHILD) {
        run_worker().unwrap();
    }
}

/// Starts this test binary as worker processes.
pub fn pool(limits: Limits, workers: usize) -> WorkerPool {
    let test = "worker::a_child_process_serves_until_its_input_ends";
    let args = [test, "--exact", "--nocapture", "--skip", CHILD].map(Into::into).to_vec();
    WorkerPool::new(WorkerCommand { program: std::env::current_exe().unwrap(), args }, limits, workers)
}

/// A program that is no worker, in place of one.
fn shell(script: &str, limits: Limits) -> WorkerPool {
    let args = vec!["-c".into(), script.into()];
    WorkerPool::new(WorkerCommand { program: "/bin/sh".into(), args }, limits, 1)
}

#[test]
fn a_worker_reads_one_file_after_another() {
    let pool = pool(Limits::default(), 1);
    for number in 0..70 {
        let document = pool.read(format!("text {number}").as_bytes(), "a.txt").unwrap();
        assert_eq!(document.text, format!("text {number}"));
    }
}

#[test]
fn many_threads_share_few_workers() {
    let pool = pool(Limits::default(), 2);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let pool = &pool;
            scope.spawn(move || {
                let text = format!("thread {number}");
                assert_eq!(pool.read(text.as_bytes(), "a.txt").unwrap().text, text);
            });
        }
    });
}

#[test]
fn an_error_of_a_file_comes_back_as_it_is() {
    let pool = pool(Limits::default(), 1);
    assert_eq!(pool.read(b"", "a.pdf"), Err(ReadError::EmptyFile));
    assert_eq!(pool.read(b"%PDF-1.4 nothing else", "a.pdf").unwrap_err().code(), "corrupt");
}

#[test]
fn a_bomb_ends_at_the_memory_limit_and_the_next_file_is_read() {
    let pool = pool(Limits { memory_bytes_max: 600 << 20, ..Limits::default() }, 1);
    let error = pool.read(&pdf::bomb(), "bomb.pdf").unwrap_err();
    assert_eq!(error, ReadError::LimitExceeded { what: "memory bytes".into(), limit: 600 << 20 });
    assert_eq!(pool.read(b"after", "a.txt").unwrap().text, "after");
}

#[test]
fn an_answer_over_its_limit_is_refused() {
    let pool = pool(Limits { output_bytes_max: 200, ..Limits::default() }, 1);
    let error = pool.read("word ".repeat(1000).as_bytes(), "a.txt").unwrap_err();
    assert_eq!(error, ReadError::LimitExceeded { what: "answer bytes".into(), limit: 200 });
}

#[test]
fn a_worker_that_does_not_answer_is_killed_in_time() {
    let limits = Limits { wall_max: Duration::from_millis(300), ..Limits::default() };
    let start = Instant::now();
    assert_eq!(shell("exec sleep 60", limits).read(b"x", "a.txt"), Err(ReadError::Timeout { limit_ms: 300 }));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_worker_that_dies_is_named_by_how_it_died() {
    let crashed = |detail: &str| Err(ReadError::Crashed { detail: detail.into() });
    let died = |script: &str| shell(script, Limits::default()).read(b"x", "a.txt");
    assert_eq!(died("kill -11 $$"), crashed("signal 11, segmentation fault"));
    assert_eq!(died("exit 3"), crashed("exit code 3"));
    assert_eq!(died("kill -24 $$"), Err(ReadError::Timeout { limit_ms: 20_000 }));
    let memory = ReadError::LimitExceeded { what: "memory bytes".into(), limit: 512 << 20 };
    assert_eq!(died("echo memory allocation of 9 bytes failed >&2; kill -6 $$"), Err(memory));
}

#[test]
fn a_worker_that_answers_nonsense_crashes_its_file_only() {
    let error = shell("head -c 100000 /dev/zero; sleep 1", Limits::default()).read(b"x", "a.txt").unwrap_err();
    assert_eq!(error.code(), "crashed");
}

#[test]
fn a_worker_that_cannot_be_started_says_so() {
    let command = WorkerCommand { program: "/nowhere/at-all".into(), args: Vec::new() };
    let error = WorkerPool::new(command, Limits::default(), 1).read(b"x", "a.txt").unwrap_err();
    assert!(error.to_string().contains("worker could not be started"), "{error}");
}

#[test]
fn a_worker_inherits_no_secrets() {
    let pool = shell("env >&2; test -z \"$HOME$CARGO_MANIFEST_DIR\" && exit 7; exit 8", Limits::default());
    assert_eq!(pool.read(b"x", "a.txt"), Err(ReadError::Crashed { detail: "exit code 7".into() }));
}
