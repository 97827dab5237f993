//! Every bound of the server, in one place.
//!
//! Bounds on reading one file stand in the ingest crate, bounds on the filter language beside its parser.

use std::time::Duration;

/// Most threads for embedding and index building.
pub const THREADS_MAX: usize = 256;

/// Largest JSON body.
pub const JSON_BODY_BYTES_MAX: usize = 64 << 20;
/// Largest upload of files in one request.
pub const UPLOAD_BYTES_MAX: usize = 512 << 20;
/// Most files in one upload.
pub const UPLOAD_FILES_MAX: usize = 1_000;
/// Outcomes of files that an answer or a job tells, first come; archives may hold more.
pub const OUTCOMES_TOLD_MAX: usize = 10_000;
/// Time for the head of a request to arrive, counted from the end of the one before it on the same connection; so it is
/// also the time for which an idle connection is kept.
pub const HEADER_READ_MAX: Duration = Duration::from_secs(30);
/// Most open connections.
pub const CONNECTIONS_MAX: usize = 1_024;
/// Time that requests under way get when the server stops.
pub const SHUTDOWN_MAX: Duration = Duration::from_secs(20);
/// Time that a search may take before it is given up.
pub const SEARCH_MAX: Duration = Duration::from_secs(30);
/// Most texts that one request lets a reranker read.
pub const RERANK_MAX: usize = 1_000;
/// Time that a reranker has for them.
pub const RERANK_TIME: Duration = Duration::from_secs(10);
/// Searches that may wait for a processor.
pub const SEARCHES_WAITING_MAX: usize = 256;
/// Bytes of uploads that may be in memory at once.
pub const UPLOADS_IN_FLIGHT_MAX: usize = 4;

/// Most hits of a search.
pub const K_MAX: usize = 1_000;
/// Most hits that may be skipped, hits included.
pub const WINDOW_MAX: usize = 10_000;
/// Most chunks that a search is asked to be like or unlike.
pub const EXAMPLES_MAX: usize = 100;
/// Longest query text, in bytes.
pub const QUERY_BYTES_MAX: usize = 32 << 10;
/// Most chunks in one upsert.
pub const UPSERT_CHUNKS_MAX: usize = 10_000;
/// Longest text of a chunk, in bytes.
pub const CHUNK_TEXT_BYTES_MAX: usize = 1 << 20;
/// Most searches in one request.
pub const BATCH_SEARCHES_MAX: usize = 100;
/// Most ids in one request.
pub const IDS_MAX: usize = 10_000;
/// Most entries of a page of a list.
pub const PAGE_MAX: usize = 1_000;
/// Entries of a page unless another number is asked for.
pub const PAGE_DEFAULT: usize = 100;

/// Writes that may wait for a table's writer.
pub const WRITES_WAITING_MAX: usize = 256;
/// Rows that one commit takes from the waiting writes.
pub const COMMIT_ROWS_MAX: usize = 20_000;
/// Texts that one call to the model takes.
pub const EMBED_BATCH: usize = 256;
/// Requests that may wait for the model.
pub const EMBEDS_WAITING_MAX: usize = 64;
/// Bytes of texts that are kept in memory for answers, over all collections.
pub const ROW_CACHE_BYTES: usize = 192 << 20;
/// Filters whose allowed rows are kept in memory, for each collection.
pub const FILTER_CACHE_ENTRIES: usize = 64;
/// Rows side by side from which the columns that filters read are put in order; testing fewer takes less than 0.05 ms.
pub const ORDERED_ROWS_MIN: usize = 8_192;
/// Collections that are kept open; those used least are closed, and opened again when they are asked for.
pub const COLLECTIONS_OPEN: usize = 256;
/// MiB that open collections take, unless the settings say otherwise.
pub const COLLECTIONS_MIB: usize = 4_096;
/// Most MiB that the settings may let open collections take.
pub const COLLECTIONS_MIB_MAX: usize = 1 << 24;
/// Closed collections whose tables a list reads side by side.
pub const LISTED_AT_ONCE: usize = 8;
/// Past versions that are kept open, for each collection.
pub const PAST_VERSIONS_OPEN: usize = 4;

/// Rows without a graph from which one is built when writes have paused.
pub const SEAL_ROWS_MIN: usize = 4_096;
/// Rows without a graph from which one is built while writes go on; a scan of so many takes about 5 ms.
pub const SEAL_ROWS_FORCED: usize = 32_768;
/// Share of rows without a graph from which a generation is built while writes go on: what each build costs whatever has
/// changed, about an eighth of a graph grown from nothing, is then little beside what it costs for these rows.
pub const SEAL_SHARE: f64 = 0.25;
/// Share of rows without a graph from which one is built when writes have paused.
pub const SEAL_SHARE_PAUSED: f64 = 0.05;
/// Time without writes after which they count as paused.
pub const WRITE_PAUSE: Duration = Duration::from_millis(500);
/// Rows without a graph from which the live head takes them in; below, a generation is built before a head would be, and
/// scanning them takes less than 15 ms.
pub const HEAD_ROWS_MIN: usize = 131_072;
/// How far threads that write step back behind those that answer searches, on the system's scale from 0 to 19.
pub const WRITE_NICENESS: i32 = 8;
/// How far threads that build graphs step back behind those that answer, on the system's scale from 0 to 19.
pub const BACKGROUND_NICENESS: i32 = 15;
/// Newest versions that expiry leaves, whatever their age.
pub const KEEP_VERSIONS_MIN: usize = 100;
/// Newest versions beyond which expiry takes those older than [`CROWDED_AGE`].
pub const KEEP_VERSIONS_MAX: usize = 2_000;
/// Age up to which a version stays however many there are: long enough for any read that is under way.
pub const CROWDED_AGE: Duration = Duration::from_secs(600);
/// Shortest time between two expiries, each of which reads every version's manifest.
pub const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// How many times longer than it took an expiry rests, so that very many versions do not keep it busy.
pub const EXPIRE_REST: u32 = 20;
/// Commits after which expiry is considered.
pub const EXPIRE_EVERY_COMMITS: u64 = 500;

/// Largest file of passwords; no more than 16 of 1,024 bytes are taken.
pub const PASSWORD_FILE_BYTES_MAX: u64 = 32 << 10;

/// Seconds that a command of the system may take to read a scanned page, unless the settings say otherwise.
pub const OCR_PAGE_SECONDS: u64 = 60;
/// Scanned pages of a file that such a command reads, unless the settings say otherwise.
pub const OCR_PAGES_MAX: usize = 500;

/// Rows without a vector of the new model that writes wait for when a collection changes its model.
pub const SWITCH_ROWS_MAX: usize = 256;
/// Times that rows written meanwhile are embedded before a change of the model gives up: writes are faster than the model.
pub const SWITCH_ROUNDS_MAX: usize = 1_000;
/// Texts of a collection that are asked for to compare two models.
pub const SAMPLE_QUERIES: usize = 20;
/// Letters of a text that such a question has.
pub const SAMPLE_QUERY_CHARS: usize = 200;

/// Files of a collection that failed and are still known; the oldest are forgotten first.
pub const FAILED_FILES_KEPT: usize = 10_000;
/// Documents of a collection that a new one is compared with for near duplicates, the last ones ingested; 512 bytes each.
pub const SIGNATURES_KEPT: usize = 100_000;
/// Finished jobs that can still be asked for.
pub const JOBS_KEPT: usize = 1_000;
/// Jobs that may wait or run.
pub const JOBS_WAITING_MAX: usize = 64;

/// Time for a connection to another server to be made.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Time for which a model hub may send nothing.
pub const HUB_SILENCE_MAX: Duration = Duration::from_secs(60);
/// Redirections of a hub that are followed for one file.
pub const HUB_REDIRECTS_MAX: usize = 8;
/// Times that a file of a hub is asked for again after the connection broke off or the hub was busy.
pub const HUB_RETRIES_MAX: u32 = 4;
/// Files below this are fetched anew when they broke off, and so are files of unknown size above the bound of texts.
pub const HUB_RESUMED_BYTES_MIN: u64 = 1 << 20;
/// Longest wait before another server is asked again.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Texts in one request to an external embedder, unless the settings say otherwise.
pub const EMBEDDER_BATCH: usize = 64;
/// Most texts in one request to an external embedder; what the API allows.
pub const EMBEDDER_BATCH_MAX: usize = 2_048;
/// Seconds for one request to an external embedder, unless the settings say otherwise.
pub const EMBEDDER_SECONDS: u64 = 30;
/// Most seconds for one request to an external embedder.
pub const EMBEDDER_SECONDS_MAX: u64 = 600;
/// Times that a request to an external embedder is sent again, unless the settings say otherwise.
pub const EMBEDDER_RETRIES: u32 = 4;
/// Most times that a request to an external embedder is sent again.
pub const EMBEDDER_RETRIES_MAX: u32 = 10;
/// Times that it is sent again for a question, whose asker waits.
pub const EMBEDDER_QUERY_RETRIES: u32 = 1;
/// Longest wait before it is sent again for a question.
pub const EMBEDDER_QUERY_WAIT_MAX: Duration = Duration::from_secs(2);
/// Tokens that an external embedder reads of a text, unless the settings say otherwise.
pub const EMBEDDER_TOKENS: usize = 512;
/// Bytes of an answer for each number of its vectors; a number in JSON takes up to 25.
pub const EMBEDDER_NUMBER_BYTES: usize = 40;
/// Bytes of an answer besides its numbers, and of an answer that says what is wrong.
pub const EMBEDDER_OVERHEAD_BYTES: usize = 1 << 20;
