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
    r01_reserve_at_accept_and_a_refused_order_changes_nothing
    r02_buys_and_sells_never_net
    r03_reducing_passes_while_breached
    r04_reduce_only_looks_at_the_accounts_row
    r05_venue_acknowledgement_and_reject
    r06_partial_fill_moves_position_and_reserve_in_one_event
    r07_reserved_value_after_fills_is_path_independent
    r08_cancel_releases_leaves_and_keeps_what_the_venue_filled
    r09_cancel_reject_and_unknown_at_the_venue
    r10_nine_replaces_under_way_are_too_many
    r10_replace_with_versions_in_flight
    r11_a_fill_after_the_end_always_books
    r12_overfill
    r13_the_same_execution_is_booked_once
    r14_a_fill_implies_the_acknowledgement
    r15_a_fill_for_an_unknown_order
    r17_purely_reducing_without_a_reference
    r18_a_passive_breach_cancels_nothing
    r20_the_base_currency_and_rates
    r22_not_ready_until_the_day_is_open
    r23_end_of_day_is_a_command
    r25_a_limit_below_usage_is_accepted
    r28_all_levels_or_none
    r30_kill_switch
    r31_cancels_are_hardly_ever_refused
    r32_sequence_numbers
    r33_everything_that_decides_is_in_the_journal
    r34_time_comes_with_the_commands
    s07_mass_cancel
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
