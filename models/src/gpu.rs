//! Finds the first GPU and tries it, so that what is loaded onto it also runs there.
//!
//! It does not choose between the GPU and the CPU.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, OnceLock};
use std::thread;

use candle_core::{DType, Device, Tensor};

use crate::precision::Precision;

/// A GPU that was seen to compute.
struct Gpu {
    device: Device,
    computes_bf16: bool,
}

/// Returns the first GPU, or why it does not run models of this precision.
///
/// It is looked for once, and what was found is logged once. A build for the CPU alone logs nothing.
pub(crate) fn find(precision: Precision) -> Result<Device, String> {
    static GPU: OnceLock<Result<Gpu, String>> = OnceLock::new();
    let gpu = GPU.get_or_init(|| {
        if !candle_core::utils::cuda_is_available() {
            return Err("this build is for the CPU only".to_string());
        }
        let found = quietly(start);
        match &found {
            Ok(gpu) => tracing::info!(device = "cuda:0", bf16 = gpu.computes_bf16, "models run on the GPU"),
            Err(error) => tracing::warn!(device = "cpu", %error, "no GPU can be used, models run on the CPU"),
        }
        found
    });
    let Gpu { device, computes_bf16 } = gpu.as_ref().map_err(String::clone)?;
    match precision {
        Precision::F32 => Ok(device.clone()),
        Precision::Bf16 if *computes_bf16 => Ok(device.clone()),
        Precision::Bf16 | Precision::Int8 => Err(format!("this GPU does not compute in {}", precision.name())),
    }
}

/// Starts the first GPU with one stream for all threads.
///
/// With a stream for each thread, which is what Candle takes otherwise, nothing would make a thread wait for the weights
/// that another one is still copying, and products that run side by side would share one working memory.
fn start() -> Result<Gpu, String> {
    let device = Device::new_cuda_with_stream(0).map_err(first_line)?;
    // A driver older than the toolkit, or a GPU older than the build is for, fails here and not in a request.
    multiply(&device, DType::F32).map_err(first_line)?;
    let computes_bf16 = multiply(&device, DType::BF16).is_ok();
    Ok(Gpu { device, computes_bf16 })
}

fn multiply(device: &Device, dtype: DType) -> candle_core::Result<f32> {
    let ones = Tensor::ones((2, 2), DType::F32, device)?.to_dtype(dtype)?;
    ones.matmul(&ones)?.to_dtype(DType::F32)?.sum_all()?.to_scalar()
}

fn first_line(error: candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}

/// Turns a panic into an error with its message, and keeps it from being printed.
///
/// Calling into a library of NVIDIA's that is not there ends in a panic.
fn quietly<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let (worker, before) = (thread::current().id(), Arc::new(panic::take_hook()));
    let others = before.clone();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().id() != worker {
            others(panic);
        }
    }));
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(Box::new(move |panic| before(panic)));
    done.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("it panicked").split(" - ").next().unwrap_or_default().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_starting_is_an_error() {
        let failed = quietly(|| -> Result<(), String> { panic!("unable to load {} - searched for", "cuda") });
        assert_eq!(failed, Err("unable to load cuda".to_string()));
        assert_eq!(quietly(|| Ok(3)), Ok(3));
    }

    /// Candle has products in bf16 on some CPUs only, as GPUs before 2020 have none.
    #[test]
    fn the_trial_tells_what_a_device_computes() {
        assert_eq!(multiply(&Device::Cpu, DType::F32).unwrap(), 8.0);
        assert!(multiply(&Device::Cpu, DType::BF16).ok().is_none_or(|sum| sum == 8.0));
    }
}
