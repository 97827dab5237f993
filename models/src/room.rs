//! The memory that one batch needs, kept from batch to batch.
//!
//! Once every buffer has met the longest batch, encoding allocates no more than its answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::attention::{HeadRoom, Heads};
use crate::gemm::{Buffer, PANEL};
use crate::half_attention::HalfHeadRoom;
use crate::linear::InputRoom;
use crate::rows::Rows;

/// All that one batch needs.
pub(crate) struct Room {
    /// What goes into a layer and comes out of it.
    pub(crate) state: Rows<f32>,
    /// Queries, keys and values, head after head.
    pub(crate) projected: Rows<f32>,
    pub(crate) context: Rows<f32>,
    /// What the first half of a layer gives to the second.
    pub(crate) attended: Rows<f32>,
    pub(crate) inner: Rows<f32>,
    pub(crate) input: InputRoom,
    pub(crate) inner_input: InputRoom,
    /// The answer: one row behind the other, without filling.
    pub(crate) output: Vec<f32>,
    pub(crate) members: Members,
}

/// The rooms of a team's members.
pub(crate) struct Members(Vec<Mutex<MemberRoom>>);

/// What each thread of a team needs for itself.
pub(crate) struct MemberRoom {
    pub(crate) head: HeadRoom,
    pub(crate) half_head: HalfHeadRoom,
    pub(crate) panel: Buffer<f32>,
}

impl Room {
    /// Returns empty room for a team of so many threads.
    pub(crate) fn new(members: usize) -> Room {
        let member = || {
            let (head, half_head) = (HeadRoom::new(), HalfHeadRoom::new());
            Mutex::new(MemberRoom { head, half_head, panel: Buffer::new() })
        };
        Room {
            state: Rows::floats(),
            projected: Rows::floats(),
            context: Rows::floats(),
            attended: Rows::floats(),
            inner: Rows::floats(),
            input: InputRoom::new(),
            inner_input: InputRoom::new(),
            output: Vec::new(),
            members: Members(std::iter::repeat_with(member).take(members).collect()),
        }
    }
}

impl Room {
    /// Goes on with the numbered rows only, after the tokens have looked at each other.
    pub(crate) fn keep_rows(&mut self, rows: &[usize]) {
        self.state.keep(rows);
        self.context.keep(rows);
        self.attended.cut(rows.len());
        self.inner.cut(rows.len());
    }
}

impl Members {
    /// Makes room for batches of so many rows with texts of so many tokens.
    pub(crate) fn reserve(&mut self, heads: Heads, rows: usize, tokens_max: usize) {
        for member in &mut self.0 {
            let member = member.get_mut().unwrap_or_else(PoisonError::into_inner);
            member.head.reserve(heads, tokens_max);
            member.half_head.reserve(heads, tokens_max);
            member.panel.reserve(rows.next_multiple_of(16) * PANEL);
        }
    }

    /// Lends the room of one member, which nobody else asks for.
    pub(crate) fn of(&self, member: usize) -> MutexGuard<'_, MemberRoom> {
        self.0[member].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rooms that no batch uses at the moment.
pub(crate) struct Rooms {
    free: Mutex<Vec<Room>>,
    members: usize,
}

impl Rooms {
    /// Returns no rooms yet, each to be for a team of so many threads.
    pub(crate) fn new(members: usize) -> Rooms {
        Rooms { free: Mutex::default(), members }
    }

    /// Lends a room to some work; there come to be as many as there is work at once.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Room) -> R) -> R {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = free().pop();
        let mut room = kept.unwrap_or_else(|| Room::new(self.members));
        let result = work(&mut room);
        free().push(room);
        result
    }
}
