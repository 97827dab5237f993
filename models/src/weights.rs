//! Hands out the named tensors of a safetensors file, each with the shape that the configuration promises.
//!
//! It does not know what the tensors mean.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::error::ModelError;
use crate::folder::{read, sha256_hex};

/// Holds the tensors of one weights file as f32, and the file's hash.
pub(crate) struct Weights {
    tensors: HashMap<String, Tensor>,
    pub(crate) sha256: String,
}

impl Weights {
    /// Reads a weights file onto a device.
    pub(crate) fn read(path: &Path, device: &Device) -> Result<Weights, ModelError> {
        let bytes = read(path)?;
        let invalid =
            |error: candle_core::Error| ModelError::InvalidFile { path: path.to_path_buf(), detail: error.to_string() };
        let mut tensors = HashMap::new();
        for (name, tensor) in candle_core::safetensors::load_buffer(&bytes, device).map_err(invalid)? {
            if tensor.dtype().is_float() {
                tensors.insert(name, tensor.to_dtype(DType::F32)?);
            }
        }
        Ok(Weights { tensors, sha256: sha256_hex(&[&bytes]) })
    }

    /// Returns how many bytes the tensors have that are left.
    pub(crate) fn bytes(&self) -> usize {
        self.tensors.values().map(|tensor| tensor.elem_count() * size_of::<f32>()).sum()
    }

    /// Gives every tensor another name.
    pub(crate) fn rename(&mut self, name: impl Fn(&str) -> String) {
        self.tensors = self.tensors.drain().map(|(old, tensor)| (name(&old), tensor)).collect();
    }

    /// Takes a matrix out of the file.
    pub(crate) fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Tensor, ModelError> {
        self.take(name, &[rows, columns])
    }

    /// Takes a vector out of the file.
    pub(crate) fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, ModelError> {
        Ok(self.row(name, length)?.to_vec1()?)
    }

    /// Takes a vector out of the file and leaves it on its device.
    pub(crate) fn row(&mut self, name: &str, length: usize) -> Result<Tensor, ModelError> {
        self.take(name, &[length])
    }

    /// Puts a tensor among those of the file.
    pub(crate) fn put(&mut self, name: &str, tensor: Tensor) {
        self.tensors.insert(name.to_string(), tensor);
    }

    /// Gives up all tensors that are left.
    pub(crate) fn into_tensors(self) -> HashMap<String, Tensor> {
        self.tensors
    }

    fn take(&mut self, name: &str, expected: &[usize]) -> Result<Tensor, ModelError> {
        let tensor = self.tensors.remove(name).ok_or_else(|| ModelError::MissingTensor { tensor: name.to_string() })?;
        if tensor.dims() == expected {
            return Ok(tensor);
        }
        let (found, expected) = (tensor.dims().to_vec(), expected.to_vec());
        Err(ModelError::WrongShape { tensor: name.to_string(), found, expected })
    }
}
