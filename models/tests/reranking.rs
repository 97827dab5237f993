//! What a reranker promises: the scores of PyTorch, recorded by `golden_families.py`, in time, for any batch.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use ragstone_models::{Device, LoadOptions, ModelError, Precision, Reranker};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tiny_model;

#[derive(Deserialize)]
pub struct Model {
    name: String,
    config: Value,
    tensors: BTreeMap<String, Vec<usize>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    query: String,
    text: String,
    logit: f32,
}

pub fn models() -> Vec<Model> {
    serde_json::from_str(include_str!("golden/rerankers.json")).unwrap()
}

pub fn write(folder: &Path, model: &Model) {
    tiny_model::write(folder);
    std::fs::remove_file(folder.join("modules.json")).unwrap();
    tiny_model::write_json(folder, "config.json", &model.config);
    tiny_model::write_json(folder, "tokenizer_config.json", &json!({"model_max_length": tiny_model::MAX_TOKENS}));
    tiny_model::write_weights(folder, &model.tensors);
}

fn load(folder: &Path, threads: usize) -> Result<Reranker, ModelError> {
    let options = LoadOptions { threads, device: Device::Cpu, precision: Precision::F32, dimension: None };
    Reranker::load(folder, "tiny", &options)
}

fn first() -> (tempfile::TempDir, Reranker) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &models()[0]);
    let reranker = load(folder.path(), 2).unwrap();
    (folder, reranker)
}

#[test]
fn every_head_gives_the_scores_of_pytorch() {
    for mut model in models() {
        for activation in [None, Some("torch.nn.modules.linear.Identity"), Some("torch.nn.modules.activation.Sigmoid")]
        {
            let folder = tempfile::tempdir().unwrap();
            model.config["sentence_transformers"] = json!({"activation_fn": activation});
            write(folder.path(), &model);
            let reranker = load(folder.path(), 2).unwrap();
            for case in &model.cases {
                let score = reranker.scores(&case.query, &[&case.text], None).unwrap()[0];
                let expected = match activation {
                    Some(name) if name.ends_with("Identity") => case.logit,
                    _ => 1.0 / (1.0 + (-case.logit).exp()),
                };
                // Products of numbers that are split for tiles are within 2^-14 of themselves.
                assert!((score - expected).abs() < 2e-5, "{} {score} {expected} {:?}", model.name, case.text);
            }
        }
    }
}

#[test]
fn a_text_has_the_same_score_beside_any_others() {
    let (_folder, reranker) = first();
    let texts: Vec<String> = crate::encoding::texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = reranker.scores("who pays", &texts, None).unwrap();
    let alone: Vec<f32> = texts.iter().map(|text| reranker.scores("who pays", &[text], None).unwrap()[0]).collect();
    assert!(together == alone);
    assert_eq!(reranker.scores("who pays", &[], None), Ok(Vec::new()));
}

#[test]
fn a_query_that_leaves_no_room_is_refused_and_a_long_text_is_cut() {
    let (_folder, reranker) = first();
    let limit = tiny_model::MAX_TOKENS - 4;
    let query = |tokens: usize| "a".repeat(tokens);
    assert!(reranker.scores(&query(limit), &["b"], None).is_ok());
    let refused = reranker.scores(&query(limit + 1), &["b"], None).unwrap_err();
    assert_eq!(refused, ModelError::QueryTooLong { tokens: limit + 1, limit });
    let score = |text: &str| reranker.scores(&query(limit), &[text], None).unwrap();
    assert_eq!(score("bc"), score("bd"));
    assert_ne!(score("b"), score("c"));
}

#[test]
fn a_deadline_ends_the_work() {
    let (_folder, reranker) = first();
    let later = Instant::now() + Duration::from_secs(3_600);
    assert!(reranker.scores("a", &["b"], Some(later)).is_ok());
    let passed = reranker.scores("a", &["b", "c"], Some(Instant::now()));
    assert_eq!(passed, Err(ModelError::DeadlinePassed { texts: 2 }));
}

#[test]
fn what_does_not_end_in_one_score_is_refused() {
    let check = |spoil: &dyn Fn(&mut Model), code: &str| {
        let mut model = models().remove(0);
        spoil(&mut model);
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &model);
        assert_eq!(load(folder.path(), 1).err().map(|error| error.code()), Some(code));
    };
    check(&|model| model.config["architectures"] = json!(["BertModel"]), "model_unsupported");
    check(&|model| model.config["id2label"] = json!({"0": "no", "1": "yes"}), "model_unsupported");
    check(&|model| model.config["model_type"] = json!("deberta-v2"), "model_unsupported");
    check(&|model| drop(model.tensors.remove("classifier.weight")), "model_tensor_missing");
    check(&|model| drop(model.tensors.insert("classifier.weight".into(), vec![2, 32])), "model_shape_mismatch");
    check(&|model| model.config["sbert_ce_default_activation_function"] = json!("os.system"), "model_unsupported");
}
