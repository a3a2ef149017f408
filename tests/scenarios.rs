//! One test for each scenario file of `tests/scenarios/`, under the same name.

mod scenario;

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                scenario::run(stringify!($name));
            }
        )*

        const NAMES: &[&str] = &[$( stringify!($name), )*];
    };
}

scenarios! {
    c01_max_order_qty
}

#[test]
fn every_scenario_file_has_its_test() {
    let mut files: Vec<String> = std::fs::read_dir(scenario::directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    files.sort();
    let mut names: Vec<&str> = NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(files, names, "files against tests, in alphabetical order");
}
