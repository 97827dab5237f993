//! What an embedder promises to many callers at once, on the tiny model.

use std::sync::atomic::{AtomicBool, Ordering};

use ragstone_models::{Device, Embedder, LoadOptions, ModelError, Precision, Priority, TextKind};

use crate::encoding::{load, texts};
use crate::tiny_model;

fn spawn(queue: usize) -> (tempfile::TempDir, Embedder) {
    let folder = tempfile::tempdir().unwrap();
    tiny_model::write(folder.path());
    let options = LoadOptions { threads: 1, device: Device::Cpu, precision: Precision::F32, dimension: None };
    let embedder = Embedder::spawn(folder.path(), "tiny", &options, queue).unwrap();
    (folder, embedder)
}

/// Enough texts to keep the tiny model busy for a tenth of a second.
fn many() -> Vec<String> {
    std::iter::repeat_with(texts).take(60).flatten().collect()
}

#[test]
fn callers_on_many_threads_get_their_own_vectors() {
    let (folder, embedder) = spawn(64);
    let encoder = load(folder.path(), 1);
    std::thread::scope(|scope| {
        for (number, text) in texts().into_iter().enumerate().take(40) {
            let (embedder, encoder) = (embedder.clone(), &encoder);
            let (kind, priority) = match number % 2 {
                0 => (TextKind::Query, Priority::Query),
                _ => (TextKind::Document, Priority::Ingest),
            };
            scope.spawn(move || {
                let vectors = embedder.embed(vec![text.clone(), "fixed".to_string()], kind, priority).unwrap();
                assert!(vectors == encoder.encode(&[&text, "fixed"], kind).unwrap());
            });
        }
    });
}

#[test]
fn a_query_does_not_wait_for_ingest() {
    let (_folder, embedder) = spawn(4);
    let ingested = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            embedder.embed(many(), TextKind::Document, Priority::Ingest).unwrap();
            ingested.store(true, Ordering::SeqCst);
        });
        for _ in 0..3 {
            embedder.embed(vec!["abc".to_string()], TextKind::Query, Priority::Query).unwrap();
        }
        assert!(!ingested.load(Ordering::SeqCst), "three queries took longer than the whole ingest");
    });
}

#[test]
fn a_query_on_its_own_thread_gets_the_vector_of_the_queue_beside_ingest() {
    let (_folder, embedder) = spawn(4);
    let queued = embedder.embed(vec!["abc".to_string()], TextKind::Query, Priority::Query).unwrap();
    let ingested = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            embedder.embed(many(), TextKind::Document, Priority::Ingest).unwrap();
            ingested.store(true, Ordering::SeqCst);
        });
        for _ in 0..3 {
            assert!(embedder.embed_query("abc").unwrap() == queued);
        }
        assert!(!ingested.load(Ordering::SeqCst), "three queries took longer than the whole ingest");
    });
}

#[test]
fn more_callers_than_places_are_answered_busy() {
    let (_folder, embedder) = spawn(1);
    let long = "a".repeat(40);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let ask = || (0..200).map(|_| embedder.embed_query(&long)).collect::<Vec<_>>();
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    assert!(outcomes.iter().any(Result::is_ok));
    let refused = outcomes.into_iter().filter_map(Result::err);
    refused.for_each(|error| assert_eq!(error, ModelError::Busy { queue: 1 }));
    assert!(embedder.embed_query(&long).is_ok(), "a place is free again");
}

#[test]
fn a_full_queue_answers_busy_and_the_others_are_served() {
    let (_folder, embedder) = spawn(1);
    let texts = many();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let ingest = || embedder.embed(texts.clone(), TextKind::Document, Priority::Ingest);
        let callers: Vec<_> = (0..6).map(|_| scope.spawn(ingest)).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let served = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!((1..6).contains(&served));
    let refused = outcomes.into_iter().filter_map(Result::err);
    refused.for_each(|error| assert_eq!(error, ModelError::Busy { queue: 1 }));
}

#[test]
fn no_texts_give_no_vectors() {
    let (_folder, embedder) = spawn(1);
    assert_eq!(embedder.embed(Vec::new(), TextKind::Query, Priority::Query), Ok(Vec::new()));
}
