//! Shares one model among many callers: a query is encoded by who asks it, ingest waits in a bounded queue.
//!
//! The encoder is immutable and every call has memory of its own, so queries run on the threads of their callers, beside
//! the threads of the embedder, which give way to them. A query therefore never waits for an ingest batch. One thread with
//! two queues was the other way; there a query waits for the batch at work, and batches short enough for that waste the
//! processor. Callers who would rather wait in a queue have one for queries too. Requests that wait together are encoded
//! together, which gives the same vectors.
//!
//! It does not retry, and it does not know collections.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::encoder::{Encoder, TextKind};
use crate::error::ModelError;
use crate::gemm::give_way;
use crate::identity::Identity;
use crate::options::LoadOptions;
use crate::tokenizer::Tokenizer;

/// Waiting requests are joined up to this many texts. Chosen to bound how long the first of them waits for the last.
const JOINED_TEXTS_MAX: usize = 32;
/// How far the threads of ingest give way. Chosen so that a query beside them gets nine tenths of a processor.
const INGEST_NICENESS: usize = 10;

/// Says which queue a request waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for the answer.
    Query,
    /// Throughput counts.
    Ingest,
}

/// Embeds texts on threads of its own. Clones share the model; the threads end with the last clone.
#[derive(Clone)]
pub struct Embedder {
    shared: Arc<Shared>,
}

struct Shared {
    encoder: Arc<Encoder>,
    query: Lane,
    ingest: Lane,
    queue: usize,
    /// Callers that encode on their own threads.
    callers: AtomicUsize,
}

/// A queue and the thread that works it.
struct Lane {
    /// Lives until the lane is dropped; its end is what stops the thread.
    sender: Option<SyncSender<Request>>,
    worker: Option<JoinHandle<()>>,
}

struct Request {
    texts: Vec<String>,
    kind: TextKind,
    reply: SyncSender<Result<Vec<f32>, ModelError>>,
}

impl Embedder {
    /// Loads a model and starts its threads; `queue` requests of each priority may wait.
    pub fn spawn(folder: &Path, name: &str, options: &LoadOptions, queue: usize) -> Result<Embedder, ModelError> {
        if queue == 0 {
            return Err(ModelError::InvalidOption { option: "queue", found: 0, expected: "at least 1" });
        }
        Embedder::start(Encoder::load(folder, name, options)?, queue)
    }

    /// Returns an embedder whose vectors are the first numbers of this one's, normalised again. It shares the model, and
    /// has queues and threads of its own.
    ///
    /// # Errors
    /// `InvalidOption` for none, or for more than the model gives.
    pub fn cut(&self, dimension: usize) -> Result<Embedder, ModelError> {
        Embedder::start(self.shared.encoder.cut(dimension)?, self.shared.queue)
    }

    fn start(encoder: Encoder, queue: usize) -> Result<Embedder, ModelError> {
        let encoder = Arc::new(encoder);
        let query = Lane::spawn("embed-query", 0, encoder.clone(), queue)?;
        let ingest = Lane::spawn("embed-ingest", INGEST_NICENESS, encoder.clone(), queue)?;
        Ok(Embedder { shared: Arc::new(Shared { encoder, query, ingest, queue, callers: AtomicUsize::new(0) }) })
    }

    /// Returns what makes this model's vectors this model's.
    pub fn identity(&self) -> &Identity {
        self.shared.encoder.identity()
    }

    /// Returns how many numbers a vector of the model can have.
    pub fn full_dimension(&self) -> usize {
        self.shared.encoder.full_dimension()
    }

    /// Returns the model's tokenizer.
    pub fn tokenizer(&self) -> Arc<Tokenizer> {
        self.shared.encoder.tokenizer()
    }

    /// Returns the vector of a query, encoded on the calling thread.
    ///
    /// It waits for nobody and runs beside any other call, on no other thread; a short query takes one to three
    /// milliseconds of the processor.
    ///
    /// # Errors
    /// `Busy` at once when as many callers as a queue has places are here, `Tokenize` or `Compute` when the model fails.
    pub fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        let Shared { encoder, callers, queue, .. } = &*self.shared;
        let _caller = Caller(callers);
        if callers.fetch_add(1, Ordering::Relaxed) >= *queue {
            return Err(ModelError::Busy { queue: *queue });
        }
        encoder.encode_query(text)
    }

    /// Returns one vector a text, one behind the other, in the order of the texts. Blocks until they are there.
    ///
    /// # Errors
    /// `Busy` at once when the queue is full, `Tokenize` or `Compute` when the model fails.
    pub fn embed(&self, texts: Vec<String>, kind: TextKind, priority: Priority) -> Result<Vec<f32>, ModelError> {
        let lane = match priority {
            Priority::Query => &self.shared.query,
            Priority::Ingest => &self.shared.ingest,
        };
        let (reply, answer) = sync_channel(1);
        let sender = lane.sender.as_ref().expect("the sender lives as long as the lane");
        sender.try_send(Request { texts, kind, reply }).map_err(|error| match error {
            TrySendError::Full(_) => ModelError::Busy { queue: self.shared.queue },
            TrySendError::Disconnected(_) => ModelError::Stopped,
        })?;
        answer.recv().unwrap_or(Err(ModelError::Stopped))
    }
}

/// Counts a caller down when it leaves.
struct Caller<'a>(&'a AtomicUsize);

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lane {
    fn spawn(name: &str, niceness: usize, encoder: Arc<Encoder>, queue: usize) -> Result<Lane, ModelError> {
        let (sender, requests) = sync_channel(queue);
        let worker = std::thread::Builder::new()
            .name(name.to_string())
            .spawn(move || {
                give_way(niceness);
                work(&encoder, &requests);
            })
            .map_err(|error| ModelError::Compute { detail: format!("thread {name} does not start: {error}") })?;
        Ok(Lane { sender: Some(sender), worker: Some(worker) })
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.sender = None;
        if self.worker.take().is_some_and(|worker| worker.join().is_err()) {
            tracing::error!("an embedding thread panicked");
        }
    }
}

fn work(encoder: &Encoder, requests: &Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        let mut joined = vec![first];
        while joined.iter().map(|request| request.texts.len()).sum::<usize>() < JOINED_TEXTS_MAX
            && let Ok(request) = requests.try_recv()
        {
            joined.push(request);
        }
        answer(encoder, joined);
    }
}

/// Encodes the texts of all requests as one batch. A request whose texts are refused fails alone.
fn answer(encoder: &Encoder, requests: Vec<Request>) {
    let mut tokens = Vec::new();
    let mut waiting = Vec::new();
    for Request { texts, kind, reply } in requests {
        let outcome: Result<Vec<_>, _> = texts.iter().map(|text| encoder.tokenize(text, kind)).collect();
        match outcome {
            Ok(ids) => {
                waiting.push((ids.len(), reply));
                tokens.extend(ids);
            }
            Err(error) => send(reply, Err(error)),
        }
    }
    let mut vectors = encoder.encode_tokens(&tokens, encoder.threads()).map(Vec::into_iter);
    for (texts, reply) in waiting {
        let share = vectors.as_mut().map(|values| values.take(texts * encoder.identity().dimension).collect());
        send(reply, share.map_err(|error| error.clone()));
    }
}

/// Sends an answer; a caller that has gone needs none.
fn send(reply: SyncSender<Result<Vec<f32>, ModelError>>, outcome: Result<Vec<f32>, ModelError>) {
    let _ = reply.send(outcome);
}
