//! Models come, are described, checked and removed; what is hostile about a name, a list or a source is refused.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ragstone_models::{
    Fetched, ModelError, ModelKind, PROFILES, Partial, Profile, find_model, find_reranker, list_models, pull_folder,
    pull_model, remove_model, show_model, verify,
};
use serde_json::{Value, json};

use crate::tiny_model::{self, write_json};

/// A root for models beside a published tiny model.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        tiny_model::write(&place.source());
        place
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("published")
    }

    fn make_reranker(&self) {
        let models: Value = serde_json::from_str(include_str!("golden/rerankers.json")).unwrap();
        write_json(&self.source(), "config.json", &models[0]["config"]);
        std::fs::remove_file(self.source().join("modules.json")).unwrap();
    }

    /// Pulls with a client that reads the published folder.
    fn pull(&self, profile: &Profile) -> Result<(), ModelError> {
        let source = self.source();
        let mut fetch = |name: &str, out: &mut Partial| match std::fs::read(source.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Fetched::Missing),
            bytes => out.write_all(&bytes?).map(|()| Fetched::Whole { sha256: None }),
        };
        pull_model(&self.root(), profile.model, Some(profile), &mut fetch).map(drop)
    }

    fn left(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root()) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn profile(name: &'static str) -> Profile {
    Profile { sha256: &[], ..*Profile::find(name).unwrap() }
}

#[test]
fn a_pulled_folder_is_whole_described_and_verified() {
    let place = Place::new();
    std::fs::write(place.source().join("README.md"), "---\ntags: []\nlicense: mit\n---\n# Tiny\n").unwrap();
    std::fs::write(place.source().join("pytorch_model.bin"), "pickled").unwrap();
    let model = pull_folder(&place.root(), "tiny", &place.source()).unwrap();
    assert_eq!((model.name.as_str(), model.kind, model.family), ("tiny", ModelKind::Embedder, Some("bert")));
    assert_eq!((model.dimension, model.max_tokens), (Some(32), Some(tiny_model::MAX_TOKENS)));
    assert_eq!((model.precision.as_deref(), model.licence.as_deref()), (Some("f32"), Some("mit")));
    assert_eq!(model.problem, None);
    assert_eq!(show_model(&place.root(), "tiny"), Some(model.clone()));
    assert_eq!(list_models(&place.root()), Ok(vec![model]));
    let folder = find_model(&place.root(), "tiny").unwrap();
    assert!(!folder.join("pytorch_model.bin").exists());
    assert_eq!(verify(&folder), Ok(8));
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    assert_eq!(verify(&folder).unwrap_err().code(), "model_hash_mismatch");
}

#[test]
fn a_reranker_is_found_as_one_and_not_as_an_embedder() {
    let place = Place::new();
    place.make_reranker();
    let model = pull_folder(&place.root(), "tiny", &place.source()).unwrap();
    assert_eq!((model.kind, model.dimension, model.problem), (ModelKind::Reranker, None, None));
    assert_eq!(find_model(&place.root(), "tiny"), None);
    assert_eq!(find_reranker(&place.root(), "tiny"), Some(place.root().join("tiny")));
    assert_eq!(find_reranker(&place.root(), "../published"), None);
}

#[test]
fn a_profile_adds_its_prompts_where_the_model_has_none() {
    let place = Place::new();
    let prompts = |profile: &Profile| -> Value {
        let path = place.root().join(profile.model).join("config_sentence_transformers.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let e5 = profile("multilingual");
    write_json(&place.source(), "config_sentence_transformers.json", &json!({"prompts": {}, "kept": 1}));
    place.pull(&e5).unwrap();
    assert_eq!(prompts(&e5), json!({"prompts": {"query": "query: ", "document": "passage: "}, "kept": 1}));
    assert!(verify(&place.root().join(e5.model)).is_ok());
    let bge = profile("quality");
    write_json(&place.source(), "config_sentence_transformers.json", &json!({"prompts": {"query": "ask "}}));
    place.pull(&bge).unwrap();
    assert_eq!(prompts(&bge), json!({"prompts": {"query": "ask "}}));
    assert_eq!(show_model(&place.root(), bge.model).unwrap().licence.as_deref(), Some("MIT"));
}

/// Spoils the published folder and expects that pulling it fails with the code and leaves nothing behind.
fn check(spoil: impl FnOnce(&Path), code: &str) {
    let place = Place::new();
    spoil(&place.source());
    let outcomes =
        [pull_folder(&place.root(), "tiny", &place.source()).map(drop), place.pull(&profile("multilingual"))];
    for outcome in outcomes {
        assert_eq!(outcome.map_err(|error| error.code()), Err(code));
    }
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_used_is_not_pulled() {
    check(|source| std::fs::remove_file(source.join("tokenizer.json")).unwrap(), "model_file_missing");
    check(|source| std::fs::write(source.join("config.json"), "{").unwrap(), "model_file_invalid");
    check(|source| std::fs::write(source.join("model.safetensors"), "pickled").unwrap(), "model_file_invalid");
    check(|source| write_json(source, "config.json", &json!({"model_type": "t5"})), "model_unsupported");
    let pickled = |source: &Path| {
        std::fs::rename(source.join("model.safetensors"), source.join("pytorch_model.bin")).unwrap();
    };
    check(pickled, "model_unsupported");
    let module =
        |path: &str| json!([{"path": path, "type": "m.Transformer"}, {"path": "1_Pooling", "type": "m.Pooling"}]);
    check(|source| write_json(source, "modules.json", &module("../elsewhere")), "model_file_invalid");
    check(|source| write_json(source, "modules.json", &module("/etc")), "model_file_invalid");
    let many: Vec<Value> = vec![json!({"path": "", "type": "m.Dense"}); 1_000];
    check(|source| write_json(source, "modules.json", &json!(many)), "model_file_invalid");
}

#[test]
fn wrong_weights_of_a_profile_are_refused() {
    let place = Place::new();
    let error = place.pull(Profile::find("en-fast").unwrap()).unwrap_err();
    assert_eq!(error.code(), "model_hash_mismatch");
    std::fs::write(place.source().join("SHA256SUMS"), "0  config.json\n0  model.safetensors\n0  tokenizer.json\n")
        .unwrap();
    assert_eq!(pull_folder(&place.root(), "tiny", &place.source()).unwrap_err().code(), "model_hash_mismatch");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_name_that_is_taken_or_no_folders_is_refused() {
    let place = Place::new();
    pull_folder(&place.root(), "tiny", &place.source()).unwrap();
    for name in ["tiny", "", ".", "..", ".hidden", "a/b", "/etc/x", "../x", "a\0b", "a\\b", &"x".repeat(129)] {
        let refused = pull_folder(&place.root(), name, &place.source()).unwrap_err();
        assert_eq!(refused.code(), "model_name_invalid", "{name:?}");
    }
}

/// Pulls `tiny` with a client whose connection breaks within the weights, which belong to an edition if there is a tag.
fn pull_broken(place: &Place, tag: Option<&str>) -> ModelError {
    let source = place.source();
    let mut fetch = |name: &str, out: &mut Partial| {
        let Ok(bytes) = std::fs::read(source.join(name)) else { return Ok(Fetched::Missing) };
        let whole = Fetched::Whole { sha256: None };
        if name != "model.safetensors" {
            return out.write_all(&bytes).map(|()| whole);
        }
        out.restart(tag)?;
        out.write_all(&bytes[..bytes.len() / 2])?;
        Err(io::Error::other("connection reset"))
    };
    pull_model(&place.root(), "tiny", None, &mut fetch).unwrap_err()
}

#[test]
fn a_broken_connection_leaves_nothing_behind_that_cannot_be_gone_on_with() {
    let place = Place::new();
    let error = pull_broken(&place, None);
    assert!(error.code() == "model_file_unreadable" && error.to_string().contains("connection reset"), "{error}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_broken_pull_goes_on_where_it_ended() {
    let place = Place::new();
    pull_broken(&place, Some("edition 1"));
    assert_eq!((place.left(), list_models(&place.root())), (vec![".pull-tiny".to_string()], Ok(Vec::new())));
    let (source, mut gone_on) = (place.source(), 0);
    let mut fetch = |name: &str, out: &mut Partial| {
        let Ok(bytes) = std::fs::read(source.join(name)) else { return Ok(Fetched::Missing) };
        let from = if out.tag() == Some("edition 1") { out.held() as usize } else { 0 };
        gone_on = gone_on.max(from);
        out.write_all(&bytes[from..]).map(|()| Fetched::Whole { sha256: None })
    };
    pull_model(&place.root(), "tiny", None, &mut fetch).unwrap();
    assert!(gone_on > 0);
    assert_eq!(place.left(), ["tiny"]);
    let weights = |folder: &Path| std::fs::read(folder.join("model.safetensors")).unwrap();
    assert_eq!(weights(&place.root().join("tiny")), weights(&place.source()));
}

#[test]
fn a_file_that_is_not_what_its_source_says_or_is_too_large_is_refused() {
    let place = Place::new();
    let source = place.source();
    let mut lying = |name: &str, out: &mut Partial| match std::fs::read(source.join(name)) {
        Ok(bytes) => out.write_all(&bytes).map(|()| Fetched::Whole { sha256: Some("0".repeat(64)) }),
        Err(_) => Ok(Fetched::Missing),
    };
    assert_eq!(pull_model(&place.root(), "tiny", None, &mut lying).unwrap_err().code(), "model_hash_mismatch");
    let mut endless = |_: &str, out: &mut Partial| loop {
        out.write_all(&[b' '; 1 << 20])?;
    };
    let error = pull_model(&place.root(), "tiny", None, &mut endless).unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_removed_model_is_gone_and_nothing_else() {
    let place = Place::new();
    for name in ["one", "two"] {
        pull_folder(&place.root(), name, &place.source()).unwrap();
    }
    for name in ["", "..", "../published", ".", "three", "one/1_Pooling"] {
        assert_eq!(remove_model(&place.root(), name).unwrap_err().code(), "model_name_invalid", "{name:?}");
    }
    assert_eq!(remove_model(&place.root(), "one"), Ok(()));
    assert_eq!(place.left(), ["two"]);
    assert!(place.source().join("model.safetensors").exists());
}

#[test]
fn a_list_of_hashes_that_lies_is_refused() {
    let place = Place::new();
    pull_folder(&place.root(), "tiny", &place.source()).unwrap();
    let folder = place.root().join("tiny");
    let list = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let check = |list: String| {
        std::fs::write(folder.join("SHA256SUMS"), list).unwrap();
        assert_eq!(verify(&folder).unwrap_err().code(), "model_file_invalid");
    };
    check(list.lines().filter(|line| !line.ends_with("model.safetensors")).collect::<Vec<_>>().join("\n"));
    check(format!("{list}0  ../../published/config.json\n"));
    check(format!("{list}0  /etc/hostname\n"));
    check(format!("{list}no hash\n"));
    std::fs::write(folder.join("1_Pooling/model.safetensors"), "unlisted").unwrap();
    check(list);
}

#[test]
fn profiles_are_found_by_both_names() {
    for profile in &PROFILES {
        assert_eq!(Profile::find(profile.name), Some(profile));
        assert_eq!(Profile::find(profile.model), Some(profile));
    }
    assert_eq!(Profile::find("other"), None);
}
