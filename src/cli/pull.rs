//! `ragstone models pull`: brings a model to this machine, and tells licence and size before it does.
//!
//! Which files a model has, and whether they are right, the models crate knows; the hub is asked by `remote`.

use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line};
use crate::remote::Hub;
use clap::Args;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use ragstone_models::{ModelSummary, PROFILES, Partial, Profile, pull_folder, pull_model, show_model};
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;

/// Files below this show no progress.
const SHOWN_BYTES_MIN: u64 = 1 << 20;

/// Flags of `models pull`.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Fetch this model: a profile, or OWNER/NAME on the hub
    name: Option<String>,
    /// Take the model from this folder instead
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// Ask this hub
    #[arg(long, value_name = "URL", env = "RAGSTONE_HUB", hide_env_values = true)]
    hub: Option<String>,
}

/// What is to be pulled.
struct Wanted {
    /// The folder's name.
    model: String,
    repository: String,
    profile: Option<&'static Profile>,
}

/// Brings the model, unless it is there already.
pub async fn run(args: PullArgs, context: &Context) -> Result<Exit, Failure> {
    let name = args.name.as_deref().unwrap_or(&context.config.model);
    let root = &context.config.models;
    if let Some(folder) = args.from {
        let model = pull_folder(root, name, &folder)?;
        return Ok(tell(&model, root, context));
    }
    let wanted = find_wanted(name)?;
    if let Some(model) = show_model(root, &wanted.model) {
        check_installed(&wanted.model, root)?;
        eprintln!("{} is installed", wanted.model);
        return Ok(tell(&model, root, context));
    }
    let address = args.hub.as_ref().unwrap_or(&context.config.hub);
    let hub = Hub::new(address)?;
    announce(&wanted, address);
    let model = fetch(hub, address.clone(), wanted, root.clone()).await?;
    Ok(tell(&model, root, context))
}

fn find_wanted(name: &str) -> Result<Wanted, Failure> {
    let profile = Profile::find(name).or_else(|| PROFILES.iter().find(|profile| profile.repository == name));
    if let Some(profile) = profile {
        let (model, repository) = (profile.model.to_owned(), profile.repository.to_owned());
        return Ok(Wanted { model, repository, profile: Some(profile) });
    }
    let Some((_, model)) = name.split_once('/') else {
        let profiles: Vec<_> = PROFILES.iter().map(|profile| profile.name).collect();
        let failure = Failure::new("model_unknown", format!("'{}' is no profile", one_line(name)));
        let hint = format!("name OWNER/NAME on the hub, a folder with --from, or one of {}", profiles.join(", "));
        return Err(failure.with_hint(hint));
    };
    Ok(Wanted { model: model.to_owned(), repository: name.to_owned(), profile: None })
}

/// Refuses to call a damaged model installed.
fn check_installed(model: &str, root: &Path) -> Result<(), Failure> {
    let hint = format!("remove it with `ragstone models remove {model}`, and pull it again");
    ragstone_models::verify(&root.join(model)).map(drop).map_err(|error| Failure::from(error).with_hint(hint))
}

/// Says what is about to be fetched.
fn announce(wanted: &Wanted, hub: &str) {
    let from = format!("{}/{}", hub.trim_end_matches('/'), wanted.repository);
    match wanted.profile {
        Some(profile) => eprintln!(
            "{}: {} from {from}, licence {}, {}",
            profile.name,
            profile.model,
            profile.licence,
            HumanBytes(profile.weights_bytes())
        ),
        None => eprintln!("{} from {from}; its own description states the licence", wanted.model),
    }
}

/// Fetches a model on a thread that may wait for the disk.
async fn fetch(hub: Hub, address: String, wanted: Wanted, root: PathBuf) -> Result<ModelSummary, Failure> {
    let runtime = Handle::current();
    let hint =
        format!("check the name, or take the model from a folder: ragstone models pull {} --from FOLDER", wanted.model);
    let pull = move || -> Result<ModelSummary, Failure> {
        let mut repository = hub.repository(&wanted.repository)?;
        let mut fetch = |file: &str, out: &mut Partial| {
            let mut progress = Progress::new(file);
            let mut told = |held, total| progress.show(held, total);
            let fetched = runtime.block_on(repository.fetch(file, out, &mut told));
            fetched.map_err(|error| io::Error::other(format!("{address}: {error}")))
        };
        Ok(pull_model(&root, &wanted.model, wanted.profile, &mut fetch)?)
    };
    let pulled =
        tokio::task::spawn_blocking(pull).await.map_err(|error| Failure::new("internal", error.to_string()))?;
    pulled.map_err(|failure| match failure.code.as_str() {
        "model_file_missing" => failure.with_hint(hint),
        "model_file_unreadable" => {
            failure.with_hint("run it again, or name another hub with --hub; weights that have come are kept")
        }
        _ => failure,
    })
}

/// How far a file is: a bar on a terminal, one line elsewhere.
struct Progress {
    file: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(file: &str) -> Self {
        Self { file: file.to_owned(), bar: None }
    }

    fn show(&mut self, held: u64, total: Option<u64>) {
        let Some(total) = total.filter(|total| *total >= SHOWN_BYTES_MIN) else { return };
        let bar = self.bar.get_or_insert_with(|| start(&self.file, held, total));
        bar.set_position(held);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn start(file: &str, held: u64, total: u64) -> ProgressBar {
    let form = "{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}";
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total).with_style(style).with_message(one_line(file));
    if bar.is_hidden() {
        let kept = if held > 0 { format!(", {} of it kept from before", HumanBytes(held)) } else { String::new() };
        eprintln!("{}: {}{kept}", one_line(file), HumanBytes(total));
    }
    bar
}

fn tell(model: &ModelSummary, root: &Path, context: &Context) -> Exit {
    let folder = root.join(&model.name);
    match context.json {
        true => print_json(&json!({
            "model": model.name,
            "folder": folder,
            "licence": model.licence,
            "weights_bytes": model.weights_bytes,
        })),
        false => print_line(&folder.display().to_string()),
    }
    Exit::Done
}
