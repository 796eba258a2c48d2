//! The order in which READ and WRITE are answered.
//!
//! The first answer that is ready opens a window. Those that are ready when its time is over go out in the order that
//! was set, one after the other: the next is sent when the one before it was written to the device. The thread of an
//! answer waits for its turn, so that a window never has more answers than the server has threads; with one
//! thread each answer has a window of its own.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use lab_protocol::random::splitmix64;
use lab_protocol::{Behaviour, ReplyOrder};

/// Sends answers in an order of its own.
#[derive(Debug)]
pub(crate) struct ReplyQueue {
    order: Order,
    window: Duration,
    queues: Mutex<Queues>,
}

/// An order other than that in which answers are ready.
#[derive(Clone, Copy, Debug)]
enum Order {
    Reversed,
    Random { seed: u64 },
}

#[derive(Debug, Default)]
struct Queues {
    /// The answers of the window that is open; none if no window is.
    collected: Vec<Waiting>,
    /// Those of closed windows. The thread of the first is sending.
    leaving: VecDeque<Waiting>,
}

/// A thread with an answer that waits for its turn.
#[derive(Debug)]
struct Waiting {
    arrival: u64,
    thread: Thread,
}

/// Which part a thread has in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It has opened the window, and is to close it.
    Opener,
    Member,
}

impl Order {
    /// Of the answers of one window, that with the least rank goes out first. Different arrivals have different
    /// ranks.
    fn rank(self, arrival: u64) -> u64 {
        match self {
            Order::Reversed => u64::MAX - arrival,
            Order::Random { seed } => splitmix64(seed, arrival),
        }
    }
}

impl ReplyQueue {
    /// None if each answer goes out when it is there.
    pub(crate) fn new(behaviour: &Behaviour) -> Option<Self> {
        let order = match behaviour.reply_order {
            ReplyOrder::Done => return None,
            ReplyOrder::Reversed => Order::Reversed,
            ReplyOrder::Random => Order::Random { seed: behaviour.seed },
        };
        let window = Duration::from_micros(behaviour.reply_window_us);
        Some(ReplyQueue { order, window, queues: Mutex::default() })
    }

    /// Sends the answer to the READ or WRITE with this number of arrival when it is its turn.
    pub(crate) fn pass(&self, arrival: u64, send: impl FnOnce()) {
        if self.collect(arrival) == Role::Opener {
            thread::sleep(self.window);
            self.close();
        }
        self.send_in_turn(send);
    }

    fn collect(&self, arrival: u64) -> Role {
        let mut queues = self.lock();
        queues.collected.push(Waiting { arrival, thread: thread::current() });
        if queues.collected.len() == 1 { Role::Opener } else { Role::Member }
    }

    fn close(&self) {
        let mut queues = self.lock();
        let mut window = std::mem::take(&mut queues.collected);
        window.sort_by_key(|waiting| self.order.rank(waiting.arrival));
        let idle = queues.leaving.is_empty();
        queues.leaving.extend(window);
        if idle {
            queues.call_next();
        }
    }

    fn send_in_turn(&self, send: impl FnOnce()) {
        let this = thread::current().id();
        // A thread may be woken without being called.
        while self.lock().leaving.front().is_none_or(|first| first.thread.id() != this) {
            thread::park();
        }
        send();
        let mut queues = self.lock();
        queues.leaving.pop_front();
        queues.call_next();
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn call_next(&self) {
        if let Some(next) = self.leaving.front() {
            next.thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::time::Instant;

    use super::*;

    fn arranged(order: Order, arrivals: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut arrivals: Vec<u64> = arrivals.into_iter().collect();
        arrivals.sort_by_key(|arrival| order.rank(*arrival));
        arrivals
    }

    #[test]
    fn reversed_is_the_last_first() {
        assert_eq!(arranged(Order::Reversed, [3, 0, 1, 2]), [3, 2, 1, 0]);
        assert_eq!(arranged(Order::Reversed, [17, 5, u64::MAX]), [u64::MAX, 17, 5]);
    }

    #[test]
    fn random_is_drawn_from_the_seed() {
        for (seed, expected) in [(1, [4, 3, 7, 0, 1, 5, 6, 2]), (2, [4, 5, 0, 2, 6, 7, 1, 3])] {
            let order = Order::Random { seed };
            assert_eq!(arranged(order, 0..8), expected, "{seed}");
            // In whichever order they are ready.
            assert_eq!(arranged(order, (0..8).rev()), expected, "{seed}");
        }
    }

    #[test]
    fn every_order_comes_up_among_the_random_ones() {
        let order = Order::Random { seed: 7 };
        let window = |first: u64| arranged(order, first..first + 4).iter().map(|it| it - first).collect();
        let found: BTreeSet<Vec<u64>> = (0..250).map(|index| window(4 * index)).collect();
        assert_eq!(found.len(), 4 * 3 * 2);
    }

    /// A queue whose windows are closed by hand.
    fn queue(reply_order: ReplyOrder) -> ReplyQueue {
        let behaviour = Behaviour { reply_order, reply_window_us: 2_000, ..Behaviour::plain() };
        ReplyQueue::new(&behaviour).unwrap()
    }

    /// The order in which threads send the answers of one window, all of which are ready before it closes.
    fn sent(reply_order: ReplyOrder, arrivals: std::ops::Range<u64>) -> Vec<u64> {
        let queue = queue(reply_order);
        let all_there = Barrier::new(arrivals.clone().count());
        let (sending, sent) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let serve = |arrival| {
            let part = queue.collect(arrival);
            all_there.wait();
            if part == Role::Opener {
                queue.close();
            }
            queue.send_in_turn(|| {
                assert!(!sending.swap(true, SeqCst), "two at once");
                thread::sleep(Duration::from_millis(1));
                sent.lock().unwrap().push(arrival);
                sending.store(false, SeqCst);
            });
        };
        thread::scope(|scope| {
            for arrival in arrivals {
                scope.spawn(move || serve(arrival));
            }
        });
        sent.into_inner().unwrap()
    }

    #[test]
    fn threads_send_in_the_order_that_was_set() {
        assert_eq!(sent(ReplyOrder::Reversed, 4..16), Vec::from_iter((4..16).rev()));
        let seed = Behaviour::plain().seed;
        assert_eq!(sent(ReplyOrder::Random, 4..16), arranged(Order::Random { seed }, 4..16));
    }

    #[test]
    fn a_window_waits_until_the_one_before_it_is_empty() {
        let queue = queue(ReplyOrder::Reversed);
        let sent = Mutex::new(Vec::new());
        let (first, second) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(queue.collect(0), Role::Opener);
                queue.close();
                queue.send_in_turn(|| {
                    first.wait();
                    // The second window is collected and closed meanwhile.
                    second.wait();
                    sent.lock().unwrap().push(0);
                });
            });
            first.wait();
            assert_eq!(queue.collect(1), Role::Opener);
            queue.close();
            second.wait();
            queue.send_in_turn(|| sent.lock().unwrap().push(1));
        });
        assert_eq!(sent.into_inner().unwrap(), [0, 1]);
    }

    #[test]
    fn one_thread_answers_one_a_window() {
        let queue = queue(ReplyOrder::Reversed);
        let mut sent = Vec::new();
        let begin = Instant::now();
        for arrival in 0..5 {
            queue.pass(arrival, || sent.push(arrival));
        }
        assert!(begin.elapsed() >= 5 * queue.window, "{:?}", begin.elapsed());
        assert_eq!(sent, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn many_threads_and_windows_lose_no_answer() {
        let behaviour =
            Behaviour { reply_order: ReplyOrder::Random, reply_window_us: 50, ..Behaviour::plain() };
        let queue = ReplyQueue::new(&behaviour).unwrap();
        let sent = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for first in 0..8 {
                let (queue, sent) = (&queue, &sent);
                scope.spawn(move || {
                    for arrival in (first..800).step_by(8) {
                        queue.pass(arrival, || sent.lock().unwrap().push(arrival));
                    }
                });
            }
        });
        let mut sent = sent.into_inner().unwrap();
        sent.sort();
        assert_eq!(sent, Vec::from_iter(0..800));
    }

    #[test]
    fn answers_that_are_done_need_no_queue() {
        assert!(ReplyQueue::new(&Behaviour::plain()).is_none());
    }
}
