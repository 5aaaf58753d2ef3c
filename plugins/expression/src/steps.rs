//! How much work programs take: steps, stack and the size of values, counted in every engine, as not all watch the
//! clock.

use std::cell::Cell;

use jaq_core::data::JustLut;
use jaq_core::{Exn, ValR, ValXs};
use jaq_json::Val;

/// How many steps (calls, rounds of a fold, iterated items) a program may take for one object.
const MAX_STEPS: u64 = 500_000;

/// How many steps all programs of a run may take together.
const MAX_ALL_STEPS: u64 = 20_000_000;

/// The most bytes of a text, array or object (without what is in its items) that a program may make on its way: a part
/// of the 64 MiB that a plugin has.
const MAX_SIZE: usize = 4 << 20;

/// How much stack recursion may take, in bytes: what a sandbox has, with room for what is called at the end.
const MAX_STACK: usize = if cfg!(target_arch = "wasm32") { 192 << 10 } else { 768 << 10 };

/// Exit codes by which a program is stopped: nothing in jq catches those.
const STEPS_EXCEEDED: i32 = 201;
const STACK_EXCEEDED: i32 = 202;
const SIZE_EXCEEDED: i32 = 203;

/// Jaq's sort of data: values alone.
pub(crate) type Data = JustLut<Val>;

thread_local! {
    /// How many steps were taken, how many may be, and where the stack began.
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static LIMIT: Cell<u64> = const { Cell::new(0) };
    static STACK: Cell<usize> = const { Cell::new(0) };
}

/// Starts counting anew: for one run of the plugin.
pub(crate) fn reset() {
    STEPS.set(0);
}

fn stack_address() -> usize {
    let here = 0_u8;
    std::hint::black_box(std::ptr::from_ref(&here)).addr()
}

/// One step; the exit code to stop with when it is one too many.
pub(crate) fn step(value: &Val) -> Option<i32> {
    let steps = STEPS.get() + 1;
    STEPS.set(steps);
    let size = match value {
        Val::TStr(text) | Val::BStr(text) => text.len(),
        Val::Arr(items) => items.len() * 16,
        Val::Obj(entries) => entries.len() * 48,
        _ => 0,
    };
    if steps > LIMIT.get() {
        Some(STEPS_EXCEEDED)
    } else if STACK.get().abs_diff(stack_address()) > MAX_STACK {
        Some(STACK_EXCEEDED)
    } else if size > MAX_SIZE {
        Some(SIZE_EXCEEDED)
    } else {
        None
    }
}

/// Begins a run of a program on one object.
pub(crate) fn begin() {
    STACK.set(stack_address());
    LIMIT.set((STEPS.get() + MAX_STEPS).min(MAX_ALL_STEPS));
}

/// What a program was stopped for, by its exit code.
pub(crate) fn exceeded(code: i32) -> Option<String> {
    Some(match code {
        STEPS_EXCEEDED if LIMIT.get() == MAX_ALL_STEPS => {
            format!("the expressions of this run take more than {MAX_ALL_STEPS} steps together; narrow `targets`")
        }
        STEPS_EXCEEDED => format!("the expression takes more than {MAX_STEPS} steps for one object; it may never end"),
        STACK_EXCEEDED => "the expression calls itself too deeply; it may never end".to_owned(),
        SIZE_EXCEEDED => format!("the expression makes a value of more than {} MiB", MAX_SIZE >> 20),
        _ => return None,
    })
}

/// Counts what a native function gives, item by item.
pub(crate) fn counted<'a>(items: impl Iterator<Item = ValR<Val>> + 'a) -> ValXs<'a, Val> {
    let mut is_over = false;
    Box::new(items.map_while(move |item| {
        if is_over {
            return None;
        }
        let code = item.as_ref().ok().and_then(step);
        is_over = code.is_some();
        Some(code.map_or(item.map_err(Exn::from), |code| Err(Exn::halt(code))))
    }))
}
