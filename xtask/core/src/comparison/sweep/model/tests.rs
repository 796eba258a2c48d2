//! The arithmetic, held against cases that one can draw.

use super::Batch;

/// A request costs 100 us and waits for 1000 us.
#[test]
fn a_batch_takes_its_work_or_its_waves() {
    let us = |requests, in_flight, wait_us| {
        let batch = Batch { requests, in_flight };
        (batch.time_s(100e-6, wait_us * 1e-6) * 1e6).round()
    };
    // One after the other.
    assert_eq!(us(16.0, 1.0, 1000.0), 16.0 * 1100.0);
    // All together: the last one is sent after fifteen others, and waits.
    assert_eq!(us(16.0, 16.0, 1000.0), 16.0 * 100.0 + 1000.0);
    // Two waves, the second one of four.
    assert_eq!(us(16.0, 12.0, 1000.0), 2.0 * 1100.0 + 300.0);
    // Nothing is waited for, however they are sent.
    for in_flight in [1.0, 5.0, 12.0, 16.0] {
        assert_eq!(us(16.0, in_flight, 0.0), 1600.0);
    }
    // The work hides the latency.
    assert_eq!(us(1024.0, 12.0, 50.0), 102_400.0);
}

#[test]
fn what_a_request_costs_is_found_again() {
    for (requests, in_flight) in [(16.0, 1.0), (16.0, 12.0), (16.0, 16.0), (1024.0, 12.0)] {
        for wait_s in [0.0, 50e-6, 1e-3] {
            let batch = Batch { requests, in_flight };
            let found = batch.cost_s(batch.time_s(123e-6, wait_s), wait_s);
            assert!((found - 123e-6).abs() < 1e-12, "{requests} {in_flight} {wait_s}: {found}");
        }
    }
}
