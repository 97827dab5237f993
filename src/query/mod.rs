//! What a search means and how it is run: filter → plan → both legs → fusion.
//!
//! A [`Search`] has been checked: its filter is typed ([`filter`]), its vector has the collection's length. It runs on
//! one [`crate::index::Snapshot`]. First the rows that pass are computed exactly ([`allowed`]), so their number is known; then
//! [`plan`] chooses for the dense leg between a scan of the allowed rows and a walk of the graph; [`run`] runs the legs
//! and [`fuse`] joins them. The answer names slots; fetching texts is the caller's, and so is everything that needs a
//! clock, a thread or a socket: with the same snapshot the same search gives the same answer.

pub mod allowed;
pub mod cost;
pub mod filter;
pub mod fuse;
pub mod plan;
pub mod run;

pub use allowed::Allowed;
pub use filter::Filter;
pub use fuse::{Fusion, FusionMethod};
pub use plan::{Plan, Strategy};
pub use run::{Found, Ranked, lexical, search};

use crate::index::text::Analyzed;
use crate::schema::ShortForm;

/// Which legs a search uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both, fused.
    Hybrid,
    /// Vectors only.
    Dense,
    /// Words only.
    Lexical,
}

impl Mode {
    /// Returns the name used in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Dense => "dense",
            Self::Lexical => "lexical",
        }
    }
}

/// A checked search.
#[derive(Clone, Debug)]
pub struct Search {
    /// Legs to use.
    pub mode: Mode,
    /// Query vector, normalised for cosine; needed by the dense leg.
    pub vector: Option<Vec<f32>>,
    /// Query words; needed by the lexical leg.
    pub words: Option<Analyzed>,
    /// Share of the query text that the embedding model can read, from 0 to 1; 1 for a given vector.
    pub readable: f32,
    /// Number of hits.
    pub k: usize,
    /// Hits to skip first.
    pub offset: usize,
    /// Lowest score of a hit: of the dense leg where there is one, else of the lexical leg.
    pub min_score: Option<f32>,
    /// Which rows may be hits.
    pub filter: Filter,
    /// Most hits of one document.
    pub per_document: Option<usize>,
    /// How the legs are joined.
    pub fusion: Fusion,
    /// Weight of difference from earlier hits (maximal marginal relevance), from 0 (off) to 1.
    pub diversity: f32,
    /// What a walk reads of a row.
    pub walk: ShortForm,
    /// Scan instead of walking.
    pub exact: bool,
}
