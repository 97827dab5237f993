//! The models that have a short name: what they are for, where they come from, and what their folders leave out.
//!
//! It does not fetch them.

use serde::Serialize;

/// A model that can be pulled by a short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// The short name.
    pub name: &'static str,
    /// The folder that the model is pulled into.
    pub model: &'static str,
    /// The repository on a model hub.
    pub repository: &'static str,
    /// The licence, as its SPDX identifier.
    pub licence: &'static str,
    /// About how many megabytes the weights have.
    pub weights_megabytes: u32,
    /// What goes before a query; the published folder does not say it.
    pub query_prompt: &'static str,
    /// What goes before a document; the published folder does not say it.
    pub document_prompt: &'static str,
    /// File names and the SHA-256 that they must have, where it is known.
    pub sha256: &'static [(&'static str, &'static str)],
}

/// All profiles.
pub const PROFILES: [Profile; 5] = [
    Profile {
        name: "en-fast",
        model: "all-MiniLM-L6-v2",
        repository: "sentence-transformers/all-MiniLM-L6-v2",
        licence: "Apache-2.0",
        weights_megabytes: 91,
        query_prompt: "",
        document_prompt: "",
        sha256: &[
            ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ],
    },
    Profile {
        name: "zh-fast",
        model: "bge-small-zh-v1.5",
        repository: "BAAI/bge-small-zh-v1.5",
        licence: "MIT",
        weights_megabytes: 96,
        query_prompt: "为这个句子生成表示以用于检索相关文章：",
        document_prompt: "",
        sha256: &[],
    },
    Profile {
        name: "multilingual",
        model: "multilingual-e5-small",
        repository: "intfloat/multilingual-e5-small",
        licence: "MIT",
        weights_megabytes: 471,
        query_prompt: "query: ",
        document_prompt: "passage: ",
        sha256: &[],
    },
    Profile {
        name: "quality",
        model: "bge-large-en-v1.5",
        repository: "BAAI/bge-large-en-v1.5",
        licence: "MIT",
        weights_megabytes: 1_341,
        query_prompt: "Represent this sentence for searching relevant passages: ",
        document_prompt: "",
        sha256: &[],
    },
    Profile {
        name: "rerank-en",
        model: "ms-marco-MiniLM-L6-v2",
        repository: "cross-encoder/ms-marco-MiniLM-L6-v2",
        licence: "Apache-2.0",
        weights_megabytes: 91,
        query_prompt: "",
        document_prompt: "",
        sha256: &[],
    },
];

impl Profile {
    /// Returns the profile with a short name or for a model's folder, or `None`.
    pub fn find(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().find(|profile| profile.name == name || profile.model == name)
    }

    /// Returns about how many bytes the weights have.
    pub fn weights_bytes(&self) -> u64 {
        u64::from(self.weights_megabytes) * 1_000_000
    }
}
