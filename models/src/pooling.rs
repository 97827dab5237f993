//! Makes one vector of a text's token rows: choose or average them, then bring the vector to length one.
//!
//! It does not know how the rows were computed.

use std::path::Path;

use serde::Deserialize;

use crate::error::ModelError;
use crate::spec::read_json;

/// Chooses how token rows become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Cls,
    Mean,
    Max,
    /// The sum by the root of the count.
    MeanSqrtLength,
    /// The mean in which the first token counts once, the second twice, and so on.
    WeightedMean,
    LastToken,
}

#[derive(Deserialize)]
struct PoolingFile {
    pooling_mode: Option<serde_json::Value>,
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

impl Pooling {
    const ALL: [Pooling; 6] =
        [Pooling::Cls, Pooling::Mean, Pooling::Max, Pooling::MeanSqrtLength, Pooling::WeightedMean, Pooling::LastToken];

    /// Reads a pooling configuration, which names exactly one mode.
    pub(crate) fn read(path: &Path) -> Result<Pooling, ModelError> {
        let file: PoolingFile = read_json(path)?;
        if file.others.get("include_prompt").and_then(|value| value.as_bool()) == Some(false) {
            let found = "include_prompt: false".to_string();
            return Err(ModelError::Unsupported { part: "pooling", found, supported: "pooling over the prompt too" });
        }
        let modes = file.modes();
        let known = |mode: &str| Pooling::ALL.into_iter().find(|pooling| pooling.name() == mode);
        if let [mode] = modes.as_slice()
            && let Some(pooling) = known(mode)
        {
            return Ok(pooling);
        }
        let supported = "one of cls, mean, max, mean_sqrt_len, weightedmean and lasttoken";
        Err(ModelError::Unsupported { part: "pooling", found: modes.join(" + "), supported })
    }

    /// Returns the word that identities use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Pooling::Cls => "cls",
            Pooling::Mean => "mean",
            Pooling::Max => "max",
            Pooling::MeanSqrtLength => "mean_sqrt_len",
            Pooling::WeightedMean => "weightedmean",
            Pooling::LastToken => "lasttoken",
        }
    }

    /// Writes the vector of one text.
    ///
    /// `rows` holds the rows of its tokens, each as long as `vector`; there is at least one.
    pub(crate) fn pool(self, rows: &[f32], vector: &mut [f32]) {
        let width = vector.len();
        vector.copy_from_slice(&rows[..width]);
        let others = rows.chunks_exact(width).skip(1);
        let count = (rows.len() / width) as f32;
        match self {
            Pooling::Cls => {}
            Pooling::LastToken => vector.copy_from_slice(&rows[rows.len() - width..]),
            Pooling::Max => others.for_each(|row| combine(vector, row, f32::max)),
            Pooling::Mean | Pooling::MeanSqrtLength => {
                others.for_each(|row| combine(vector, row, |sum, value| sum + value));
                let scale = if self == Pooling::Mean { width as f32 / rows.len() as f32 } else { 1.0 / count.sqrt() };
                vector.iter_mut().for_each(|value| *value *= scale);
            }
            Pooling::WeightedMean => {
                for (weight, row) in (2u32..).zip(others) {
                    combine(vector, row, |sum, value| sum + weight as f32 * value);
                }
                let scale = 2.0 / (count * (count + 1.0));
                vector.iter_mut().for_each(|value| *value *= scale);
            }
        }
    }
}

impl PoolingFile {
    /// Lists the modes in both spellings of the file: one string or list, or one flag a mode.
    fn modes(&self) -> Vec<String> {
        match &self.pooling_mode {
            Some(serde_json::Value::String(mode)) => vec![mode.trim_end_matches("_tokens").to_string()],
            Some(other) => vec![other.to_string()],
            None => self
                .others
                .iter()
                .filter(|(_, value)| value.as_bool() == Some(true))
                .filter_map(|(key, _)| key.strip_prefix("pooling_mode_"))
                .map(|mode| mode.trim_end_matches("_tokens").trim_end_matches("_token").to_string())
                .collect(),
        }
    }
}

fn combine(vector: &mut [f32], row: &[f32], operation: impl Fn(f32, f32) -> f32) {
    for (value, other) in vector.iter_mut().zip(row) {
        *value = operation(*value, *other);
    }
}

/// Brings a vector to length one; the zero vector stays as it is.
pub(crate) fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    vector.iter_mut().for_each(|value| *value /= length);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pooling: Pooling, expected: [f32; 2]) {
        let mut vector = [0.0; 2];
        pooling.pool(&[1.0, -2.0, 3.0, -6.0, 2.0, 2.0], &mut vector);
        assert_eq!(vector, expected);
    }

    #[test]
    fn each_mode_pools_its_way() {
        check(Pooling::Cls, [1.0, -2.0]);
        check(Pooling::Mean, [2.0, -2.0]);
        check(Pooling::Max, [3.0, 2.0]);
        check(Pooling::MeanSqrtLength, [6.0 * (1.0 / 3f32.sqrt()), -6.0 * (1.0 / 3f32.sqrt())]);
        check(Pooling::WeightedMean, [13.0 / 6.0, -8.0 / 6.0]);
        check(Pooling::LastToken, [2.0, 2.0]);
    }

    #[test]
    fn a_zero_vector_stays_zero() {
        let mut vector = [0.0; 3];
        normalize(&mut vector);
        assert_eq!(vector, [0.0; 3]);
    }

    #[test]
    fn both_spellings_of_a_mode_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Pooling::read(&path)
        };
        assert_eq!(read(r#"{"pooling_mode":"max"}"#), Ok(Pooling::Max));
        assert_eq!(read(r#"{"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false}"#), Ok(Pooling::Cls));
        assert_eq!(read(r#"{"pooling_mode_mean_tokens":true}"#), Ok(Pooling::Mean));
        assert_eq!(read(r#"{"pooling_mode_mean_sqrt_len_tokens":true}"#), Ok(Pooling::MeanSqrtLength));
        assert_eq!(read(r#"{"pooling_mode_weightedmean_tokens":true}"#), Ok(Pooling::WeightedMean));
        assert_eq!(read(r#"{"pooling_mode_lasttoken":true}"#), Ok(Pooling::LastToken));
        assert_eq!(read(r#"{"pooling_mode":"mean_sqrt_len_tokens"}"#), Ok(Pooling::MeanSqrtLength));
        assert_eq!(read(r#"{"pooling_mode":"splade"}"#).unwrap_err().code(), "model_unsupported");
        assert_eq!(
            read(r#"{"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true}"#).unwrap_err().code(),
            "model_unsupported"
        );
    }
}
