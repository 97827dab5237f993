//! Memory in whole cache lines, lent as slices of the numbers it holds.
//!
//! It does not know what the numbers mean.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};

use super::system::ask_for_huge_pages;

/// One cache line, on its own boundary.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE_BYTES]);

const LINE_BYTES: usize = 64;
const ZERO: Line = Line([0; LINE_BYTES]);

/// A type that any bytes are a value of, whose size divides a line.
pub(crate) trait Number: Copy + Send + Sync + sealed::Sealed {}

mod sealed {
    pub(crate) trait Sealed {}
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl sealed::Sealed for $number {}
        impl Number for $number {})*
    };
}

numbers!(f32, u16, u8, i8);

/// A buffer of numbers on a line boundary that only grows.
pub(crate) struct Buffer<N> {
    lines: Vec<Line>,
    numbers: PhantomData<N>,
}

impl<N: Number> Buffer<N> {
    /// Returns an empty buffer.
    pub(crate) fn new() -> Buffer<N> {
        Buffer { lines: Vec::new(), numbers: PhantomData }
    }

    /// Makes room for so many numbers. Those that were not there are zero; the others keep their values.
    pub(crate) fn reserve(&mut self, length: usize) {
        let lines = (length * size_of::<N>()).div_ceil(LINE_BYTES);
        if lines > self.lines.len() {
            let mut grown = Vec::with_capacity(lines);
            ask_for_huge_pages(grown.spare_capacity_mut());
            grown.extend_from_slice(&self.lines);
            grown.resize(lines, ZERO);
            self.lines = grown;
        }
    }
}

impl<N: Number> Deref for Buffer<N> {
    type Target = [N];

    fn deref(&self) -> &[N] {
        numbers(&self.lines)
    }
}

impl<N: Number> DerefMut for Buffer<N> {
    fn deref_mut(&mut self) -> &mut [N] {
        let length = self.lines.len() * (LINE_BYTES / size_of::<N>());
        // SAFETY: the pointer and the length span exactly the lines, whose alignment is above any number's; `Number` is
        // only implemented for types that any bytes are a value of; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), length) }
    }
}

/// All packed weights of a model in one piece, so that few and large pages hold them.
pub(crate) struct Arena {
    lines: Vec<Line>,
}

impl Arena {
    /// Returns an empty arena with room for so many bytes; more are taken, but then they are moved once.
    pub(crate) fn new(bytes: usize) -> Arena {
        let mut lines = Vec::with_capacity(bytes.div_ceil(LINE_BYTES));
        ask_for_huge_pages(lines.spare_capacity_mut());
        Arena { lines }
    }

    /// Appends numbers and returns the lines that they take.
    pub(crate) fn push<N: Number>(&mut self, values: &[N]) -> Range<usize> {
        let mut buffer = Buffer::new();
        buffer.reserve(values.len());
        buffer[..values.len()].copy_from_slice(values);
        let start = self.lines.len();
        self.lines.extend_from_slice(&buffer.lines);
        start..self.lines.len()
    }

    /// Lends the numbers in some lines.
    pub(crate) fn get<N: Number>(&self, lines: Range<usize>) -> &[N] {
        numbers(&self.lines[lines])
    }
}

fn numbers<N: Number>(lines: &[Line]) -> &[N] {
    let length = lines.len() * (LINE_BYTES / size_of::<N>());
    // SAFETY: the pointer and the length span exactly the lines, whose alignment is above any number's; `Number` is only
    // implemented for types that any bytes are a value of.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), length) }
}

/// Lends numbers as bytes.
#[cfg(target_arch = "x86_64")]
pub(super) fn bytes<N: Number>(values: &[N]) -> &[u8] {
    // SAFETY: the pointer and the size span exactly the values, which have no padding; every byte is initialised.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_grows_on_a_line_boundary_and_keeps_its_values() {
        let mut buffer = Buffer::<f32>::new();
        buffer.reserve(3);
        buffer[2] = 7.0;
        buffer.reserve(1_000_000);
        assert_eq!((buffer[2], buffer[999_999]), (7.0, 0.0));
        assert!(buffer.as_ptr().addr().is_multiple_of(64));
    }

    #[test]
    fn an_arena_gives_back_what_was_put_in() {
        let mut arena = Arena::new(64);
        let (floats, bytes) = (arena.push(&[1.0f32; 17]), arena.push(&[9i8; 3]));
        assert_eq!(arena.get::<f32>(floats)[..17], [1.0; 17]);
        assert_eq!(arena.get::<i8>(bytes)[..4], [9, 9, 9, 0]);
    }
}
