//! Owns a server that is stopped and goes on (SIGSTOP, SIGCONT): nothing is lost, answered twice, or
//! forgotten, and the session needs no repair.

use std::time::Duration;

use crate::desk::Desk;
use crate::server::Firm;

#[test]
fn a_stopped_and_resumed_server_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    let server = firm.serve();
    let mut desk = Desk::new(&firm, &server, 1);
    for stop in 1..=5 {
        desk.trade(|desk| desk.orders.len() > 300 * stop).unwrap();
        server.signal("-STOP");
        let resumed = {
            let pid = server.pid.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(300));
                let kill = std::process::Command::new("kill")
                    .args(["-CONT", &pid])
                    .status();
                assert!(kill.unwrap().success());
            })
        };
        // Goes on sending into the silence, and hears everything afterwards.
        desk.trade(|desk| desk.orders.len() > 300 * stop + 150)
            .unwrap();
        resumed.join().unwrap();
        desk.settle();
        desk.compare(&firm, &server);
    }
    server.stop();
}
