// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What a program with persistent memory tells Fencepost about itself.
//!
//! Fencepost crash-tests programs that keep data in persistent memory. Compiled by
//! `fencepost-cargo` a program needs none of this; what it says here makes the
//! verdict sharper:
//!
//! * [`op`] and [`Op`] mark operations that a crash must undo or complete as a whole,
//!   and [`observe`] says what recovery found, by which they are judged;
//! * [`region`] declares memory persistent that Fencepost does not find by itself;
//! * [`ignore`] and [`validated`] take memory out of the verdict, wholly or in part;
//! * [`crash_test`] runs a closure, and another as its recovery on every state that a
//!   crash may leave, from an ordinary `#[test]`.
//!
//! In a program without Fencepost's runtime, as plain cargo builds it, all of them do
//! nothing, at the cost of a load and a branch. Nothing here dereferences what it is
//! given, except the text of names and states, so no function is `unsafe` and a crate
//! with `#![forbid(unsafe_code)]` can use it.
//!
//! ```
//! let total = fencepost::op("add 2", || 1 + 2);
//! assert_eq!(total, 3);
//! ```
#![warn(missing_docs)]

mod crash;
mod runtime;

pub use crash::{crash_test, CrashTest};

use std::ffi::CString;
use std::marker::PhantomData;
use std::mem::size_of_val;

/// Whether the program runs with Fencepost's runtime: whether anything here has an
/// effect.
///
/// ```
/// if !fencepost::is_active() {
///     println!("built by plain cargo");
/// }
/// ```
pub fn is_active() -> bool {
    runtime::get().is_some()
}

/// Runs `body` as an operation that a crash must either undo or complete as a whole.
///
/// The name may contain the operation's arguments; reports and the list of operations
/// show it. Operations of one thread do not nest: one that begins ends the one before.
/// A `body` that panics ends its operation, too.
///
/// ```
/// # let mut queue = Vec::new();
/// fencepost::op(format!("push {}", 7), || queue.push(7));
/// # assert_eq!(queue, [7]);
/// ```
pub fn op<R>(name: impl AsRef<str>, body: impl FnOnce() -> R) -> R {
    let _operation = Op::begin(name);
    body()
}

/// An operation from [`Op::begin`] until it is dropped, where a closure as for [`op`]
/// does not fit. It stays on its thread.
///
/// ```
/// fn push(queue: &mut Vec<u64>, value: u64) {
///     let _operation = fencepost::Op::begin("push");
///     queue.push(value);
/// }
/// # push(&mut Vec::new(), 1);
/// ```
#[derive(Debug)]
#[must_use = "the operation ends when this is dropped"]
pub struct Op {
    on_this_thread: PhantomData<*const ()>,
}

impl Op {
    /// Begins an operation on the calling thread. Bytes 0 in the name become `?`.
    pub fn begin(name: impl AsRef<str>) -> Op {
        if let Some(runtime) = runtime::get() {
            let text = name.as_ref().replace('\0', "?");
            let text = CString::new(text).expect("has no byte 0");
            runtime.op_begin(&text);
        }
        Op {
            on_this_thread: PhantomData,
        }
    }
}

impl Drop for Op {
    fn drop(&mut self) {
        if let Some(runtime) = runtime::get() {
            runtime.op_end();
        }
    }
}

/// Declares `size` bytes from `start` persistent memory, until the result is dropped.
///
/// Only for memory that is no mapping of a DAX file or of a file that `--pool` names:
/// those are found without a word. To declare it for good, [`std::mem::forget`] the
/// result.
///
/// ```
/// let block = vec![0u8; 4096];
/// let region = fencepost::region(block.as_ptr(), block.len());
/// drop(region);
/// ```
pub fn region(start: *const u8, size: usize) -> Region {
    if let Some(runtime) = runtime::get() {
        runtime.region_add(start, size);
    }
    Region { start, size }
}

/// Memory that is persistent as long as this lives; made by [`region`].
#[derive(Debug)]
#[must_use = "the memory is persistent until this is dropped"]
pub struct Region {
    start: *const u8,
    size: usize,
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(runtime) = runtime::get() {
            runtime.region_remove(self.start, self.size);
        }
    }
}

/// The content of `memory`, which is persistent, does not matter after a crash: a
/// statistic, a cache. Nothing is reported of it.
///
/// ```
/// let hits = std::sync::atomic::AtomicU64::new(0);
/// fencepost::ignore(&hits);
/// ```
pub fn ignore<T: ?Sized>(memory: &T) {
    if let Some(runtime) = runtime::get() {
        runtime.ignore((memory as *const T).cast(), size_of_val(memory));
    }
}

/// Recovery has made sure of `memory`, by a checksum for instance, before it relied on
/// it: that a crash may leave it in pieces is no finding.
///
/// ```
/// let record = [1u8, 2, 3, 6];
/// let (data, sum) = record.split_at(3);
/// if data.iter().sum::<u8>() == sum[0] {
///     fencepost::validated(&record);
/// }
/// ```
pub fn validated<T: ?Sized>(memory: &T) {
    if let Some(runtime) = runtime::get() {
        runtime.validated((memory as *const T).cast(), size_of_val(memory));
    }
}

/// Says in a recovery what it has found: the abstract state, the same bytes for the
/// same content, by which operations are judged. Several calls add up.
///
/// ```
/// let keys = [3, 5];
/// fencepost::observe(format!("keys: {keys:?}"));
/// ```
pub fn observe(state: impl AsRef<[u8]>) {
    if let Some(runtime) = runtime::get() {
        runtime.observe(state.as_ref());
    }
}
