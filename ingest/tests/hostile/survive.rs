//! Sends every attack and many mutants through worker processes.

use std::time::{Duration, Instant};

use ragstone_ingest::worker::WorkerPool;
use ragstone_ingest::{Limits, ReadError};

use super::construct::{Attack, markup, packages, pdfs};
use super::mutant::{Chance, mutant};
use super::seed::seeds;
use crate::worker::pool;

/// Mutants in every run, and in a long one, which `RAGSTONE_SOAK=1` asks for.
const MUTANTS: usize = 300;
const MUTANTS_LONG: usize = 5_000;
/// Wall clock for one file, with what starting a process takes.
const LONGEST: Duration = Duration::from_secs(26);

fn is_soak() -> bool {
    std::env::var("RAGSTONE_SOAK").as_deref() == Ok("1")
}

/// Has a file read and checks what it cost; the parent lives if this returns.
fn check(pool: &WorkerPool, name: &str, bytes: &[u8]) {
    let start = Instant::now();
    pool.read_each(bytes, name, &mut |_, outcome| match outcome {
        Ok(document) => assert!(!document.text.contains("root:x:0"), "{name} read another file"),
        Err(ReadError::Crashed { detail }) => panic!("{name}: {detail}"),
        Err(_) => {}
    });
    let took = start.elapsed();
    assert!(took < LONGEST, "{name} took {took:?}");
    if is_soak() && took > Duration::from_secs(1) {
        println!("{name}: {took:?}");
    }
}

fn attack(attacks: Vec<Attack>) {
    let pool = pool(Limits::default(), 1);
    for (name, make) in attacks {
        check(&pool, &name, &make());
    }
    assert_eq!(pool.read(b"after all", "a.txt").unwrap().text, "after all");
}

#[test]
fn hostile_markup_fails_alone_and_in_time() {
    attack(markup());
}

#[test]
fn hostile_packages_fail_alone_and_in_time() {
    attack(packages());
}

#[test]
fn hostile_pdf_files_fail_alone_and_in_time() {
    attack(pdfs());
}

#[test]
fn there_are_two_hundred_attacks() {
    assert!(markup().len() + packages().len() + pdfs().len() >= 200);
}

#[test]
fn mutants_of_good_files_fail_alone_and_in_time() {
    let mutants = if is_soak() { MUTANTS_LONG } else { MUTANTS };
    let pool = pool(Limits::default(), 1);
    let seeds = seeds();
    for (name, bytes) in &seeds {
        pool.read_each(bytes, name, &mut |_, outcome| assert!(outcome.is_ok(), "{name} is a good file"));
    }
    for number in 0..mutants {
        let (name, bytes) = &seeds[number % seeds.len()];
        check(&pool, &format!("{number}-{name}"), &mutant(bytes, &mut Chance(number as u64)));
    }
}

/// Attacks and mutants as files, for the bench that searches beside them: into the folder that `RAGSTONE_HOSTILE` names.
#[test]
fn hostile_files_are_written_where_a_folder_is_named() {
    let Some(folder) = std::env::var_os("RAGSTONE_HOSTILE").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let attacks = markup().into_iter().chain(packages()).chain(pdfs());
    for (number, (name, make)) in attacks.enumerate() {
        std::fs::write(folder.join(file_name(&format!("attack-{number}-{name}"))), make()).unwrap();
    }
    let seeds = seeds();
    for number in 0..MUTANTS_LONG {
        let (name, bytes) = &seeds[number % seeds.len()];
        let file = folder.join(file_name(&format!("mutant-{number}-{name}")));
        std::fs::write(file, mutant(bytes, &mut Chance(number as u64))).unwrap();
    }
}

/// Returns a name without what folders cannot hold.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' }).collect()
}
