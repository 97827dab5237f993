//! Files built to attack one thing each, made when asked for, since some are large.

mod markup;
mod package;
mod pdf;

pub use markup::markup;
pub use package::packages;
pub use pdf::pdfs;

/// A file to be made: its name, which tells the attack, and how.
pub type Attack = (String, Box<dyn Fn() -> Vec<u8>>);

/// Adds an attack whose bytes are a function of nothing.
pub fn add(attacks: &mut Vec<Attack>, name: &str, make: impl Fn() -> Vec<u8> + 'static) {
    attacks.push((name.to_owned(), Box::new(make)));
}
