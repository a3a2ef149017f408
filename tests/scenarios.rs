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
    c02_max_order_notional
    c03_price_collar
    c04_reference_max_age
    c05_order_rate
    c08_max_open_orders
    c09_max_long_and_max_short
    c10_gross_notional
    c10_reducing_is_judged_at_the_level_of_the_limit
    c11_net_long_and_net_short
    c19_permissions
    limit_versions_and_compare_and_set
    order_of_checks
    order_of_checks_limit_not_set
    trading_states
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
