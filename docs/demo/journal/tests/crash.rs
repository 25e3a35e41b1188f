// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
use journal::Journal;

#[test]
fn a_crash_loses_no_number() {
    let pool = std::env::temp_dir().join("a_crash_loses_no_number.pool");
    let open = || Journal::open(&pool).unwrap();
    fencepost::crash_test(&pool, || open().push(7), || drop(open().check()));
}
