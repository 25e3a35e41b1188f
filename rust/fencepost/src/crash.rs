// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Crash tests in an ordinary test suite.
//!
//! The test program runs itself: `fencepost crash` starts it once as the program whose
//! power is cut and once as the recovery, with arguments that select the one test and
//! a last one that says which closure is wanted. That last one is given as a value of
//! the test runner's `--skip`, which leaves out nothing, as no test has such a name.
//!
//! The test runner starts a thread per test, even for one. A recovery with threads can
//! neither be explored wholly nor fast, so the recovering process cannot start any
//! (`alone`), and the runner then calls the test on the main thread.

use std::any::type_name;
use std::cell::Cell;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How the argument begins that gives a process its role.
const ROLE: &str = "fencepost-crash-test";

thread_local! {
    /// Crash tests that this thread has begun: a test may have several.
    static BEGUN: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work`, cuts the power at each of its crash points, and runs `recover` on every
/// state of the file `pool` that a crash may leave there.
///
/// For a `#[test]` of a crate that is tested by `fencepost-cargo test`; elsewhere it
/// says that the test was skipped, and neither closure runs. It panics, with Fencepost's
/// report, if a `recover` panics, dies, hangs or ends the process with another code than
/// 0, or if anything else is found that Fencepost calls an error or a warning.
///
/// The file belongs to the test: it is removed first, and `work` finds none. Where making
/// the file is not itself to be tested, make it by [`CrashTest::prepare`].
///
/// Both closures run in processes of their own, in which the test function runs again up
/// to this call: let it do nothing else before, and give the pool the same path each
/// time (no process id, no random name). `recover` cannot start threads; see
/// [`CrashTest::recover_with_threads`].
///
/// ```no_run
/// # struct Log;
/// # impl Log {
/// #     fn open(_: &std::path::Path) -> Log { Log }
/// #     fn append(&mut self, _: &[u8]) {}
/// #     fn verify(&self) {}
/// # }
/// // #[test]
/// fn a_crash_loses_no_record() {
///     let pool = std::env::temp_dir().join("a_crash_loses_no_record.pool");
///     fencepost::crash_test(
///         &pool,
///         || Log::open(&pool).append(b"hello"),
///         || Log::open(&pool).verify(),
///     );
/// }
/// ```
#[track_caller]
pub fn crash_test<W: FnOnce(), R: FnOnce()>(pool: impl AsRef<Path>, work: W, recover: R) {
    CrashTest::new(pool).run(work, recover);
}

/// A [`crash_test`] with more to say.
///
/// ```no_run
/// # fn create(_: &std::path::Path) {}
/// # fn push(_: &std::path::Path) {}
/// # fn verify(_: &std::path::Path) {}
/// let pool = std::env::temp_dir().join("queue.pool");
/// fencepost::CrashTest::new(&pool)
///     .prepare(|| create(&pool))
///     .options(["--states", "10000"])
///     .run(|| push(&pool), || verify(&pool));
/// ```
#[must_use = "nothing is tested before run()"]
pub struct CrashTest<'a> {
    pool: PathBuf,
    prepare: Option<Box<dyn FnOnce() + 'a>>,
    options: Vec<OsString>,
    recover_with_threads: bool,
}

impl<'a> CrashTest<'a> {
    /// A crash test on a file.
    pub fn new(pool: impl AsRef<Path>) -> CrashTest<'a> {
        CrashTest {
            pool: pool.as_ref().to_path_buf(),
            prepare: None,
            options: Vec::new(),
            recover_with_threads: false,
        }
    }

    /// What is done once before `work`, without a crash: making the pool.
    pub fn prepare(mut self, prepare: impl FnOnce() + 'a) -> Self {
        self.prepare = Some(Box::new(prepare));
        self
    }

    /// Options for `fencepost crash`, added to those of earlier calls.
    pub fn options<I>(mut self, options: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.options
            .extend(options.into_iter().map(|option| option.as_ref().into()));
        self
    }

    /// Lets `recover` start threads. The exploration is slower, and not complete where
    /// two of them touch a page at once.
    pub fn recover_with_threads(mut self) -> Self {
        self.recover_with_threads = true;
        self
    }

    /// Runs the test: see [`crash_test`].
    #[track_caller]
    pub fn run<W: FnOnce(), R: FnOnce()>(self, work: W, recover: R) {
        let number = BEGUN.with(|begun| begun.replace(begun.get() + 1));
        match Role::of_process() {
            Some(role) if role.number != number => {}
            Some(role) => {
                if role.what == What::RecoverAlone {
                    crate::runtime::say_single_threaded();
                }
                if role.what != What::Work {
                    recover();
                } else {
                    work();
                }
                // What follows in the test is not part of either.
                process::exit(0);
            }
            None if !crate::is_active() => say_skipped(&test_name::<W>()),
            None => self.start(&test_name::<W>(), number),
        }
    }

    #[track_caller]
    fn start(self, test: &str, number: usize) {
        let pool = std::path::absolute(&self.pool)
            .unwrap_or_else(|error| panic!("crash test: no path is {:?}: {error}", self.pool));
        match fs::remove_file(&pool) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                panic!("crash test: cannot remove {pool:?}, which is to be made: {error}")
            }
            _ => {}
        }
        if let Some(prepare) = self.prepare {
            prepare();
        }
        let files = files();
        fs::create_dir_all(&files)
            .unwrap_or_else(|error| panic!("crash test: cannot make {files:?}: {error}"));
        let recover = if self.recover_with_threads {
            What::Recover
        } else {
            What::RecoverAlone
        };
        let recover = program(test, number, recover);
        let work = program(test, number, What::Work);
        let output = command(&pool, &files, &recover)
            .args(&self.options)
            .arg("--")
            .args(work)
            .output()
            .unwrap_or_else(|error| {
                panic!(
                    "crash test: cannot run {:?}: {error}; fencepost-cargo names it in the \
                     variable FENCEPOST, else it must be in PATH",
                    tool()
                )
            });
        let mut report = String::from_utf8_lossy(&output.stdout).into_owned();
        report.push_str(&String::from_utf8_lossy(&output.stderr));
        match output.status.code() {
            Some(0) => {
                println!("{report}");
                let _ = fs::remove_file(&pool);
                let _ = fs::remove_dir_all(&files);
            }
            // The trace and the states stay, for the commands that the report names.
            Some(1) => panic!("{test} does not survive a crash:\n{report}"),
            _ => panic!("{test} could not be crash-tested:\n{report}"),
        }
    }
}

/// A folder for the files of one crash test of this process.
fn files() -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let number = MADE.fetch_add(1, Relaxed);
    env::temp_dir().join(format!("fencepost-{}-{number}", process::id()))
}

/// What a process is to do in place of the test.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Work,
    Recover,
    RecoverAlone,
}

impl What {
    const ALL: [(What, &'static str); 3] = [
        (What::Work, "work"),
        (What::Recover, "recover"),
        (What::RecoverAlone, ALONE),
    ];

    fn name(self) -> &'static str {
        What::ALL[self as usize].1
    }
}

/// What this process is to do, as its arguments say.
struct Role {
    what: What,
    /// Which crash test of the test function.
    number: usize,
}

impl Role {
    fn of_process() -> Option<Role> {
        env::args_os().find_map(|argument| {
            let rest = argument.to_str()?.strip_prefix(ROLE)?.strip_prefix(':')?;
            let (name, number) = rest.split_once(':')?;
            let (what, _) = What::ALL.into_iter().find(|(_, known)| *known == name)?;
            Some(Role {
                what,
                number: number.parse().ok()?,
            })
        })
    }
}

const ALONE: &str = "recover-alone";

/// Before `main`: in a process that recovers alone no thread gets a stack, and where
/// none can be had the test runner calls the test itself.
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
mod alone {
    use std::ffi::{c_char, c_int, CStr};

    const VARIABLE: &CStr = c"RUST_MIN_STACK";
    /// Bytes; more than there are addresses.
    const SIZE: &CStr = c"1000000000000000";

    #[used]
    #[link_section = ".init_array"]
    static BEGIN: extern "C" fn(c_int, *const *const c_char) = begin;

    extern "C" fn begin(count: c_int, arguments: *const *const c_char) {
        extern "C" {
            fn setenv(name: *const c_char, value: *const c_char, replace: c_int) -> c_int;
        }
        for i in 0..usize::try_from(count).unwrap_or(0) {
            // SAFETY: the C library passes what `main` gets.
            let argument = unsafe { CStr::from_ptr(*arguments.add(i)) }.to_bytes();
            let role = argument.strip_prefix(super::ROLE.as_bytes());
            let role = role.and_then(|role| role.strip_prefix(b":"));
            if role.is_some_and(|role| role.starts_with(super::ALONE.as_bytes())) {
                // SAFETY: there is no other thread yet.
                unsafe { setenv(VARIABLE.as_ptr(), SIZE.as_ptr(), 1) };
            }
        }
    }
}

/// The test that runs: its thread has its name, except where the test runner runs it on
/// the main thread; then the path of the closure in it has.
fn test_name<W>() -> String {
    match std::thread::current().name() {
        Some(name) if name != "main" => name.to_string(),
        _ => {
            let path = type_name::<W>();
            let path = path.split_once("::").map_or(path, |(_, path)| path);
            path.split("::{{closure}}")
                .next()
                .unwrap_or(path)
                .to_string()
        }
    }
}

/// Where the test runner of the test program cannot swallow it.
fn say_skipped(test: &str) {
    let _ = writeln!(
        io::stderr(),
        "crash test {test} ... skipped: it needs `fencepost-cargo test`"
    );
}

fn tool() -> OsString {
    env::var_os("FENCEPOST").unwrap_or_else(|| "fencepost".into())
}

/// The words that run this program in a role.
fn program(test: &str, number: usize, what: What) -> Vec<OsString> {
    let own = env::current_exe().expect("the test program has a path");
    let mut words = vec![own.into_os_string()];
    let options = [
        "--exact",
        "--quiet",
        "--nocapture",
        "--test-threads=1",
        "--skip",
    ];
    words.push(test.into());
    words.extend(options.map(OsString::from));
    words.push(format!("{ROLE}:{}:{number}", what.name()).into());
    words
}

/// The words as one that `fencepost` splits like a shell.
fn quoted(words: &[OsString]) -> OsString {
    let mut text = OsString::new();
    for word in words {
        let word = word.to_string_lossy().replace('\'', "'\\''");
        text.push(format!("'{word}' "));
    }
    text
}

/// A path as a pattern that it alone matches.
fn pattern(path: &Path) -> OsString {
    let mut text = String::new();
    for character in path.to_string_lossy().chars() {
        if "*?[\\".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text.into()
}

/// `fencepost crash` up to its options.
fn command(pool: &Path, files: &Path, recover: &[OsString]) -> Command {
    let mut command = Command::new(tool());
    command
        .arg("crash")
        .arg("--pool")
        .arg(pattern(pool))
        .arg("--trace")
        .arg(files.join("trace.fpt"))
        .arg("--db")
        .arg(files.join("states.fpdb"))
        .arg("--recover")
        .arg(quoted(recover))
        // A panic in each of thousands of recoveries need not look for its callers.
        .env("RUST_BACKTRACE", "0");
    command
}
