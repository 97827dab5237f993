//! A real server on a free port over a temporary folder, and a client that speaks JSON to it.
//!
//! The server is the built binary, so what is tested is what people run, and it can be killed.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The built binary.
pub const RAGSTONE: &str = env!("CARGO_BIN_EXE_ragstone");

/// Folder of the models that the tests use.
///
/// `make test` provides it; a missing model is a failure, since nothing could be shown without it.
pub fn models() -> PathBuf {
    let model =
        std::env::var("RAGSTONE_TEST_MODEL").expect("RAGSTONE_TEST_MODEL names a model folder: run `make test`");
    Path::new(&model).parent().expect("a model folder lies in the folder of models").to_owned()
}

/// A server that runs until dropped.
pub struct Server {
    child: Child,
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    /// Starts a server over a data folder and waits until it answers.
    pub fn start(data: &Path) -> Self {
        Self::start_with_models(data, &models())
    }

    /// Starts a server with a folder of models of its own.
    pub fn start_with_models(data: &Path, models: &Path) -> Self {
        Self::start_with(data, models, |command| command)
    }

    /// Starts a server with more flags or another environment.
    pub fn start_with(data: &Path, models: &Path, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(RAGSTONE);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg("--models").arg(models);
        let mut child = change(&mut command).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.find("http://").map(|at| line[at..].trim().to_owned()))
            .expect("the server says where it listens");
        // What it logs is read on, so that it never waits for its reader; its faults are shown where a test fails.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).filter(|line| line.contains("ERROR")).for_each(|line| eprintln!("{line}"));
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { child, url, client: reqwest::Client::new(), runtime }
    }

    /// Returns the address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// Sends a request and returns status and JSON body.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_call(method, path, body).expect("the server answers")
    }

    /// Sends a request; an error means that the server went away.
    pub fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::Result<(u16, Value)> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.url(path));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let bytes = response.bytes().await?;
            Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
        })
    }

    /// Sends a request that must succeed.
    pub fn ok(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Posts a body that must be accepted.
    pub fn post(&self, path: &str, body: Value) -> Value {
        self.ok("POST", path, Some(&body))
    }

    /// Gets a path that must be there.
    pub fn get(&self, path: &str) -> Value {
        self.ok("GET", path, None)
    }

    /// Joins small fragments and builds a generation over every row, and waits for it.
    pub fn optimize(&self, collection: &str) {
        let job = self.post(&format!("/v1/collections/{collection}/optimize"), Value::Null);
        let id = job["id"].as_str().or(job["job"]["id"].as_str()).expect("a job");
        while self.get(&format!("/v1/jobs/{id}"))["state"] == "running" {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a body as it is and returns status, headers and body.
    pub fn raw(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, self.url(path)).header("content-type", content_type).body(body);
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            (status, headers, response.bytes().await.unwrap().to_vec())
        })
    }

    /// Uploads files and returns status and answer when they are searchable.
    pub fn upload(&self, collection: &str, files: &[(&str, Vec<u8>)], metadata: Option<Value>) -> (u16, Value) {
        let mut form = reqwest::multipart::Form::new();
        for (name, bytes) in files {
            let part = reqwest::multipart::Part::bytes(bytes.clone()).file_name((*name).to_owned());
            form = form.part("file", part);
        }
        if let Some(metadata) = metadata {
            form = form.text("metadata", metadata.to_string());
        }
        let url = self.url(&format!("/v1/collections/{collection}/documents?wait=true"));
        self.runtime.block_on(async {
            let response = self.client.post(url).multipart(form).send().await.unwrap();
            let status = response.status().as_u16();
            let bytes = response.bytes().await.unwrap();
            (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
        })
    }

    /// Kills the server as a power switch would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the server to stop and returns whether it ended well within the time.
    pub fn stop(mut self, within: Duration) -> bool {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let started = Instant::now();
        while started.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A generator of numbers that a seed repeats (SplitMix64).
pub struct Random(pub u64);

impl Random {
    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Returns a vector with entries between -1 and 1.
    pub fn vector(&mut self, dimension: usize) -> Vec<f32> {
        (0..dimension).map(|_| (self.next() % 2001) as f32 / 1000.0 - 1.0).collect()
    }
}

/// A server of others that a test plays, on a free port, until dropped.
pub struct Played {
    /// Its address.
    pub url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Played {
    /// Starts playing routes.
    pub fn start(routes: axum::Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { url, _runtime: runtime }
    }
}
