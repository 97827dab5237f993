//! Answering a search: check the request, embed the question, run it on a pinned version, fetch the hits.
//!
//! The question is embedded and run on one blocking thread under a bounded number of permits, the lexical leg of a large
//! collection beside it on another; how a leg is run is decided in `query`.

use super::collection::{Collection, State, blocking, parse_filter};
use super::embedder::Embedder;
use super::example;
use super::rerank::Rerank;
use super::upsert::check_vector;
use super::view::{ChunkView, Include};
use crate::config::limits::{K_MAX, QUERY_BYTES_MAX, SEARCHES_WAITING_MAX, WINDOW_MAX};
use crate::error::{Error, Result};
use crate::index::graph::Scratch;
use crate::query::{self, Allowed, Filter, Fusion, Mode, Plan, Ranked, Search};
use crate::schema::Version;
use crate::table::VersionRef;
use ragstone_models::TextKind;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

/// Rows from which the lexical leg runs beside the other: with fewer it takes less than waking a thread is worth.
const LEGS_BESIDE_ROWS_MIN: usize = 16_384;

/// Searches that wait for a permit, over all collections.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// A place among the searches that wait, given back when the wait ends, also by a caller that leaves.
struct Place {
    number: usize,
}

impl Place {
    fn take() -> Self {
        Self { number: WAITING.fetch_add(1, Ordering::AcqRel) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::AcqRel);
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// A search as it was asked for.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// Question in words.
    pub text: Option<String>,
    /// Question as a vector.
    pub embedding: Option<Vec<f32>>,
    /// Chunks whose vectors are the question, by id.
    pub like: Vec<String>,
    /// Chunks that hits should be far from, by id.
    pub unlike: Vec<String>,
    /// Legs to use; hybrid when there is text, dense otherwise.
    pub mode: Option<Mode>,
    /// Number of hits.
    pub k: usize,
    /// Hits to skip first.
    pub offset: usize,
    /// Lowest score of a hit.
    pub min_score: Option<f32>,
    /// Filter in its SQL or JSON form.
    pub filter: Option<serde_json::Value>,
    /// Version to search; the newest without one.
    pub as_of: Option<VersionRef>,
    /// Most hits of one document.
    pub per_document: Option<usize>,
    /// How the legs are joined.
    pub fusion: Fusion,
    /// Weight of difference from earlier hits.
    pub diversity: f32,
    /// Whether every allowed row is compared.
    pub exact: bool,
    /// How the hits are put in order again.
    pub rerank: Option<Rerank>,
    /// Which parts of the hits to fetch.
    pub include: Include,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self {
            text: None,
            embedding: None,
            like: Vec::new(),
            unlike: Vec::new(),
            mode: None,
            k: 10,
            offset: 0,
            min_score: None,
            filter: None,
            as_of: None,
            per_document: None,
            fusion: Fusion::default(),
            diversity: 0.0,
            exact: false,
            rerank: None,
            include: Include::default(),
        }
    }
}

/// What a search found.
#[derive(Debug)]
pub struct SearchAnswer {
    /// Version that was searched.
    pub version: Version,
    /// Hits with their scores, best first.
    pub hits: Vec<(Ranked, ChunkView)>,
    /// How it was done.
    pub plan: Plan,
}

impl Collection {
    /// Answers a search.
    pub async fn search(self: &Arc<Self>, mut request: SearchRequest) -> Result<SearchAnswer> {
        match request.rerank.take() {
            Some(rerank) => self.search_reranked(request, rerank).await,
            None => self.search_once(request).await,
        }
    }

    /// Answers a search in the order of its legs.
    pub(super) async fn search_once(self: &Arc<Self>, mut request: SearchRequest) -> Result<SearchAnswer> {
        let state = match &request.as_of {
            Some(version) => self.state_at(version).await?,
            None => self.state(),
        };
        let asked = Instant::now();
        self.ask_endpoint(&state, &mut request).await?;
        let asked_ms = elapsed_ms(asked);
        let _permit = self.permit().await?;
        let (this, pinned, include) = (self.clone(), state.clone(), request.include);
        let found = blocking(move || this.run(&pinned, request)).await?;
        let started = Instant::now();
        let slots: Vec<u32> = found.hits.iter().map(|hit| hit.slot).collect();
        let views = self.view(&state, &slots, include).await?;
        let mut plan = found.plan;
        plan.stages_ms.insert("fetch", elapsed_ms(started));
        *plan.stages_ms.entry("embed").or_default() += asked_ms;
        let hits = found.hits.into_iter().zip(views).collect();
        Ok(SearchAnswer { version: state.table.version(), hits, plan })
    }

    /// Asks the endpoint of an external model for the vector of the question, so that nobody waits for the network while
    /// it holds the right to run a search. What is wrong with the request is found later.
    async fn ask_endpoint(&self, state: &State, request: &mut SearchRequest) -> Result<()> {
        let Some(identity) = &state.schema.embedding.model else { return Ok(()) };
        let models = &self.shared().services.models;
        let by_example = !request.like.is_empty() || !request.unlike.is_empty();
        let Some(text) = request.text.as_deref().map(str::trim) else { return Ok(()) };
        let given = request.embedding.is_some() || by_example || request.mode == Some(Mode::Lexical);
        if given || text.is_empty() || text.len() > QUERY_BYTES_MAX || !models.is_external(&identity.name) {
            return Ok(());
        }
        if let Embedder::External(external) = models.get_same(identity)? {
            check_numbers(request)?;
            request.embedding = Some(external.embed(vec![text.to_owned()], TextKind::Query).await?);
        }
        Ok(())
    }

    async fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit> {
        let searches = self.shared().services.searches.clone();
        if let Ok(permit) = searches.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let place = Place::take();
        if place.number >= SEARCHES_WAITING_MAX {
            return Err(Error::Busy { what: "search queue" });
        }
        searches.acquire_owned().await.map_err(|_| Error::Stopping)
    }

    fn run(&self, state: &Arc<State>, mut request: SearchRequest) -> Result<query::Found> {
        let started = Instant::now();
        let mut search = self.check(state, &mut request)?;
        let allowed = self.allowed(state, &search.filter)?;
        let filter_ms = elapsed_ms(started);
        let beside = start_lexical(state, &search, &allowed);
        let started = Instant::now();
        if search.mode != Mode::Lexical {
            let (vector, readable) = self.question(state, request.text.as_deref(), request.embedding)?;
            (search.vector, search.readable) = (Some(vector), readable);
        }
        let embed_ms = elapsed_ms(started);
        let started = Instant::now();
        let lexical = || match beside.and_then(|beside| beside.recv().ok()) {
            Some(lexical) => lexical,
            None => query::lexical(&state.snapshot, &search, &allowed),
        };
        let mut found =
            SCRATCH.with_borrow_mut(|scratch| query::search(&state.snapshot, &search, &allowed, scratch, lexical));
        let stages = &mut found.plan.stages_ms;
        stages.extend([("embed", embed_ms), ("filter", filter_ms), ("search", elapsed_ms(started))]);
        Ok(found)
    }

    /// Checks a request and turns it into what the legs need, but for the vector of its question.
    fn check(&self, state: &State, request: &mut SearchRequest) -> Result<Search> {
        check_numbers(request)?;
        let mut filter = parse_filter(request.filter.as_ref(), &state.schema)?;
        if !request.like.is_empty() || !request.unlike.is_empty() {
            let others = take_examples(state, request)?;
            filter = if filter == Filter::All { others } else { Filter::and(vec![filter, others]) };
        }
        let text = request.text.as_deref().map(str::trim);
        if text == Some("") {
            return Err(Error::InvalidArgument { field: "text", detail: "it is empty".to_owned() });
        }
        if text.is_some_and(|text| text.len() > QUERY_BYTES_MAX) {
            return Err(Error::LimitExceeded { what: "bytes of the query text", limit: QUERY_BYTES_MAX as u64 });
        }
        let mode = mode(request, state)?;
        let words = text.filter(|_| mode != Mode::Dense).map(|text| self.shared().analyzer.analyze(text));
        Ok(Search {
            mode,
            vector: None,
            words,
            readable: 1.0,
            k: request.k,
            offset: request.offset,
            min_score: request.min_score,
            filter,
            per_document: request.per_document,
            fusion: request.fusion.clone(),
            diversity: request.diversity,
            walk: state.schema.embedding.forms.walk,
            exact: request.exact,
        })
    }

    /// Returns the vector of a question, and the share of its text that the model can read.
    fn question(&self, state: &State, text: Option<&str>, given: Option<Vec<f32>>) -> Result<(Vec<f32>, f32)> {
        if let Some(vector) = given {
            return Ok((check_vector(&state.schema, vector)?, 1.0));
        }
        let Some(identity) = &state.schema.embedding.model else {
            return Err(Error::NoModel { name: self.shared().name.to_string() });
        };
        let text = text.unwrap_or_default().trim();
        let embedder = self.shared().services.models.get_same(identity)?;
        let vector = embedder.embed_query(text)?;
        let readable = embedder.readable_share(text);
        Ok((check_vector(&state.schema, vector)?, readable))
    }
}

/// Starts the lexical leg of a hybrid search on another thread, if it has enough to do; whoever leaves does not hold it up.
fn start_lexical(
    state: &Arc<State>,
    search: &Search,
    allowed: &Arc<Allowed>,
) -> Option<mpsc::Receiver<Vec<(u32, f32)>>> {
    if search.mode != Mode::Hybrid || state.snapshot.len() < LEGS_BESIDE_ROWS_MIN {
        return None;
    }
    let (done, beside) = mpsc::sync_channel(1);
    let (state, search, allowed) = (state.clone(), search.clone(), allowed.clone());
    tokio::task::spawn_blocking(move || {
        // An error means that the search has failed and nobody waits.
        let _ = done.send(query::lexical(&state.snapshot, &search, &allowed));
    });
    Some(beside)
}

/// Checks what needs no collection.
fn check_numbers(request: &SearchRequest) -> Result<()> {
    let invalid = |field: &'static str, detail: String| Err(Error::InvalidArgument { field, detail });
    if !(1..=K_MAX).contains(&request.k) {
        return invalid("k", format!("{} is not between 1 and {K_MAX}", request.k));
    }
    if request.offset.saturating_add(request.k) > WINDOW_MAX {
        return invalid("offset", format!("offset + k is over {WINDOW_MAX}"));
    }
    if !(0.0..=1.0).contains(&request.diversity) {
        return invalid("diversity", format!("{} is not between 0 and 1", request.diversity));
    }
    if request.per_document == Some(0) {
        return invalid("group_size", "0 is not at least 1".to_owned());
    }
    let weights = request.fusion.weights.map_or(vec![], |weights| vec![weights.dense, weights.lexical]);
    if !(0.0..=10_000.0).contains(&request.fusion.k) || weights.iter().any(|weight| !(0.0..=1_000.0).contains(weight)) {
        return invalid("fusion", "k is not between 0 and 10000, or a weight not between 0 and 1000".to_owned());
    }
    Ok(())
}

/// Makes the examples of a request its question, and returns the filter that leaves them out.
fn take_examples(state: &State, request: &mut SearchRequest) -> Result<Filter> {
    let invalid = |field, detail: &str| Err(Error::InvalidArgument { field, detail: detail.to_owned() });
    if request.embedding.is_some() {
        return invalid("like", "both examples and an embedding are given");
    }
    if request.like.is_empty() {
        return invalid("unlike", "it needs like");
    }
    let (vector, others) = example::question(state, &request.like, &request.unlike)?;
    request.embedding = Some(vector);
    Ok(others)
}

/// Decides the legs: hybrid for text, dense for a bare vector, lexical for text that no model can embed.
fn mode(request: &SearchRequest, state: &State) -> Result<Mode> {
    let missing = |detail: &str| Err(Error::InvalidArgument { field: "text", detail: detail.to_owned() });
    let embeds = request.embedding.is_some() || state.schema.embedding.model.is_some();
    match (request.mode, &request.text, &request.embedding) {
        (_, None, None) => missing("neither text nor embedding is given"),
        (Some(Mode::Lexical | Mode::Hybrid), None, _) => missing("lexical and hybrid search need a text"),
        (Some(mode), _, _) => Ok(mode),
        (None, Some(_), _) => Ok(if embeds { Mode::Hybrid } else { Mode::Lexical }),
        (None, None, Some(_)) => Ok(Mode::Dense),
    }
}

pub(super) fn elapsed_ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
