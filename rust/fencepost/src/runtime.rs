// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! The functions of Fencepost's runtime, which a program has or has not. Stable Rust
//! has no weak symbols, so they are looked up by name, once.

use std::ffi::{c_char, c_void, CStr};
use std::sync::OnceLock;

type Range = unsafe extern "C" fn(*const c_void, usize);

/// The runtime's functions. Those that an older runtime lacks are `None`.
pub struct Runtime {
    op_begin: unsafe extern "C" fn(*const c_char),
    op_end: unsafe extern "C" fn(),
    region_add: Range,
    region_remove: Range,
    ignore: Range,
    observe: Option<Range>,
    validated: Option<Range>,
}

/// The runtime, if the program is linked with it.
pub fn get() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(Runtime::find).as_ref()
}

impl Runtime {
    fn find() -> Option<Runtime> {
        // SAFETY: the types are those of fencepost/fencepost.h; a function pointer and
        // a data pointer have the same representation where the runtime exists.
        unsafe {
            Some(Runtime {
                op_begin: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*const c_char)>(
                    symbol(b"fencepost_op_begin_\0")?,
                ),
                op_end: std::mem::transmute::<*mut c_void, unsafe extern "C" fn()>(symbol(
                    b"fencepost_op_end_\0",
                )?),
                region_add: range(b"fencepost_region_add_\0")?,
                region_remove: range(b"fencepost_region_remove_\0")?,
                ignore: range(b"fencepost_ignore_\0")?,
                observe: range(b"fencepost_observe_\0"),
                validated: range(b"fencepost_validated_\0"),
            })
        }
    }

    pub fn op_begin(&self, name: &CStr) {
        // SAFETY: the name is copied.
        unsafe { (self.op_begin)(name.as_ptr()) }
    }

    pub fn op_end(&self) {
        // SAFETY: may be called at any time.
        unsafe { (self.op_end)() }
    }

    // SAFETY, of the next four: the runtime takes note of the addresses, whatever is
    // there.
    pub fn region_add(&self, start: *const u8, size: usize) {
        unsafe { (self.region_add)(start.cast(), size) }
    }

    pub fn region_remove(&self, start: *const u8, size: usize) {
        unsafe { (self.region_remove)(start.cast(), size) }
    }

    pub fn ignore(&self, start: *const u8, size: usize) {
        unsafe { (self.ignore)(start.cast(), size) }
    }

    pub fn validated(&self, start: *const u8, size: usize) {
        if let Some(validated) = self.validated {
            unsafe { validated(start.cast(), size) }
        }
    }

    pub fn observe(&self, state: &[u8]) {
        if let Some(observe) = self.observe {
            // SAFETY: the bytes are readable, and copied.
            unsafe { observe(state.as_ptr().cast(), state.len()) }
        }
    }
}

/// Tells the runtime that the process has no other threads, although it has tried to
/// start one: glibc's variable says "perhaps" from then on. May be called only where it
/// is true and remains so.
pub fn say_single_threaded() {
    if let Some(variable) = symbol(b"__libc_single_threaded\0") {
        // SAFETY: a variable of this type, which nobody else reads meanwhile.
        unsafe { variable.cast::<c_char>().write_volatile(1) };
    }
}

/// A function of the type `Range` by its name, which ends with a byte 0.
unsafe fn range(name: &'static [u8]) -> Option<Range> {
    symbol(name).map(|found| std::mem::transmute::<*mut c_void, Range>(found))
}

/// The runtime is linked into executables for Linux with glibc, on x86-64.
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
fn symbol(name: &'static [u8]) -> Option<*mut c_void> {
    extern "C" {
        fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    }
    debug_assert!(name.ends_with(b"\0"));
    // SAFETY: the name ends with a byte 0; the handle is RTLD_DEFAULT, the null pointer.
    let found = unsafe { dlsym(std::ptr::null_mut(), name.as_ptr().cast()) };
    (!found.is_null()).then_some(found)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")))]
fn symbol(_: &'static [u8]) -> Option<*mut c_void> {
    None
}
