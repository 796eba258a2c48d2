//! Command lines as they are, for each clock and accelerator.

use expect_test::{Expect, expect};
use lab_core::fixtures::{campaign, two_arms};

use super::*;

fn machine(clock: Clock, accelerator: Accelerator) -> Machine {
    let settings = MachineSettings { clock, cpus: 2, ..campaign(clock, &two_arms()).file.plan.machine };
    Machine::new(&settings, accelerator)
}

fn arm64(clock: Clock, accelerator: Accelerator) -> Machine {
    let settings = campaign(clock, &two_arms()).file.plan.machine;
    let settings = MachineSettings { arch: Arch::Arm64, cpu_model: "cortex-a57".to_owned(), ..settings };
    Machine::new(&settings, accelerator)
}

/// The command line of the plan's machine under an accelerator, one option a line, and the kernel's below it.
fn check(clock: Clock, accelerator: Accelerator, expected: Expect) {
    check_machine(&machine(clock, accelerator), expected);
}

fn check_machine(machine: &Machine, expected: Expect) {
    let channels = Channels { port: Path::new("/s/port"), monitor: Path::new("/s/monitor") };
    let files = GuestFiles {
        kernel_image: Path::new("/k/bzImage"),
        initramfs: Path::new("/i/cpio"),
        firmware: Path::new("/f/firmware"),
    };
    let command = qemu_command(machine, files, channels);
    assert_eq!(command.contains(&"-bios".to_owned()), machine.firmware().is_some());
    let kernel = kernel_command_line(machine);
    assert!(command.contains(&kernel), "{command:?}");
    let lines = command.iter().map(|word| match word.starts_with('-') {
        true => format!("\n{word}"),
        false if *word == kernel => " KERNEL".to_owned(),
        false => format!(" {word}"),
    });
    expected.assert_eq(&format!("{}\n\n{kernel}\n", lines.collect::<String>().trim_start()));
}

#[test]
fn what_the_plan_tells_the_kernel_comes_last() {
    let plain = machine(Clock::Virtual, Accelerator::Tcg);
    let told = Machine { kernel_parameters: "init_on_free=1 quiet".to_owned(), ..plain.clone() };
    let expected = format!("{} init_on_free=1 quiet", kernel_command_line(&plain));
    assert_eq!(kernel_command_line(&told), expected);
}

/// One CPU needs no APIC timer; beside that the command line is that of several.
#[test]
fn the_virtual_clock_with_one_cpu() {
    let one = |machine| Machine { cpus: 1, ..machine };
    expect![
        "console=ttyS0,115200 loglevel=7 printk.time=1 panic=-1 norandmaps tsc=reliable tsc_early_khz=1000000 noapictimer no_timer_check unknown_nmi_panic"
    ]
    .assert_eq(&kernel_command_line(&one(machine(Clock::Virtual, Accelerator::Tcg))));
}

#[test]
fn the_virtual_clock_with_several_cpus() {
    check(
        Clock::Virtual,
        Accelerator::Tcg,
        expect![[r#"
        -no-user-config
        -nodefaults
        -display none
        -machine pc-i440fx-7.2,hpet=off
        -accel tcg,thread=single,tb-size=64
        -cpu qemu64
        -smp 2
        -m 512M
        -icount shift=0,sleep=off
        -rtc base=2020-01-01T00:00:00,clock=vm
        -bios /f/firmware
        -seed 1
        -no-reboot
        -kernel /k/bzImage
        -initrd /i/cpio
        -append KERNEL
        -chardev stdio,id=console,signal=off,mux=off
        -device isa-serial,chardev=console
        -chardev pipe,id=port,path=/s/port
        -device pci-serial,addr=2,chardev=port
        -chardev socket,id=monitor,path=/s/monitor
        -mon chardev=monitor,mode=control
        -device pvpanic,events=3
        -action panic=none

        console=ttyS0,115200 loglevel=7 printk.time=1 panic=-1 norandmaps tsc=reliable tsc_early_khz=1000000 no_timer_check unknown_nmi_panic
    "#]],
    );
}

#[test]
fn arm64_with_the_virtual_clock() {
    check_machine(
        &arm64(Clock::Virtual, Accelerator::Tcg),
        expect![[r#"
        -no-user-config
        -nodefaults
        -display none
        -machine virt-7.2,gic-version=3,its=off,dtb-randomness=off
        -accel tcg,thread=single,tb-size=64
        -cpu cortex-a57
        -smp 1
        -m 512M
        -icount shift=0,sleep=off,rr=record,rrfile=/dev/null
        -rtc base=2020-01-01T00:00:00,clock=vm
        -seed 1
        -no-reboot
        -kernel /k/bzImage
        -initrd /i/cpio
        -append KERNEL
        -chardev stdio,id=console,signal=off,mux=off
        -serial chardev:console
        -chardev pipe,id=port,path=/s/port
        -device pci-serial,addr=2,chardev=port
        -chardev socket,id=monitor,path=/s/monitor
        -mon chardev=monitor,mode=control
        -device pvpanic-pci,addr=3,events=3
        -action panic=none

        console=ttyAMA0 loglevel=7 printk.time=1 panic=-1 norandmaps
    "#]],
    );
}

#[test]
fn arm64_under_kvm() {
    check_machine(
        &arm64(Clock::Wall, Accelerator::Kvm),
        expect![[r#"
        -no-user-config
        -nodefaults
        -display none
        -machine virt,gic-version=max
        -accel kvm
        -cpu host
        -smp 1
        -m 512M
        -rtc base=utc,clock=host
        -seed 1
        -no-reboot
        -kernel /k/bzImage
        -initrd /i/cpio
        -append KERNEL
        -chardev stdio,id=console,signal=off,mux=off
        -serial chardev:console
        -chardev pipe,id=port,path=/s/port
        -device virtio-serial-pci,id=serial,ioeventfd=off
        -device virtserialport,bus=serial.0,chardev=port,name=patchlab.report
        -chardev socket,id=monitor,path=/s/monitor
        -mon chardev=monitor,mode=control
        -device pvpanic-pci,addr=3,events=3
        -action panic=none

        console=ttyAMA0 loglevel=7 printk.time=1 panic=-1 norandmaps rcupdate.rcu_cpu_stall_timeout=100 watchdog_thresh=55 sysctl.kernel.hung_task_timeout_secs=140
    "#]],
    );
}

/// In seconds, from the command line; none if it leaves the kernel's own limit.
fn limit(line: &str, name: &str) -> Option<u32> {
    line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// Under KVM the kernel's watchdogs wait at least a third as long as under emulation, all of them.
#[test]
fn watchdogs_are_patient_in_real_time() {
    let command = |clock, accelerator| kernel_command_line(&machine(clock, accelerator));
    let line = command(Clock::Wall, Accelerator::Kvm);
    for (name, expected_s) in [
        ("rcupdate.rcu_cpu_stall_timeout", 100),
        ("watchdog_thresh", 55),
        ("sysctl.kernel.hung_task_timeout_secs", 140),
    ] {
        assert_eq!(limit(&line, name), Some(expected_s), "{name}");
    }
    // The kernel takes no more than 60.
    assert_eq!(limit(&command(Clock::Wall, Accelerator::Tcg), "watchdog_thresh"), Some(60));
    assert_eq!(limit(&command(Clock::Virtual, Accelerator::Tcg), "watchdog_thresh"), None);
}

#[test]
fn the_wall_clock_under_emulation() {
    check(
        Clock::Wall,
        Accelerator::Tcg,
        expect![[r#"
        -no-user-config
        -nodefaults
        -display none
        -machine pc
        -accel tcg,thread=multi
        -cpu qemu64
        -smp 2
        -m 512M
        -rtc base=utc,clock=host
        -seed 1
        -no-reboot
        -kernel /k/bzImage
        -initrd /i/cpio
        -append KERNEL
        -chardev stdio,id=console,signal=off,mux=off
        -device isa-serial,chardev=console
        -chardev pipe,id=port,path=/s/port
        -device virtio-serial-pci,id=serial,ioeventfd=off
        -device virtserialport,bus=serial.0,chardev=port,name=patchlab.report
        -chardev socket,id=monitor,path=/s/monitor
        -mon chardev=monitor,mode=control
        -device pvpanic,events=3
        -action panic=none

        console=ttyS0,115200 loglevel=7 printk.time=1 panic=-1 norandmaps tsc=unstable no_timer_check watchdog_thresh=60 unknown_nmi_panic
    "#]],
    );
}

#[test]
fn the_wall_clock_under_kvm() {
    check(
        Clock::Wall,
        Accelerator::Kvm,
        expect![[r#"
            -no-user-config
            -nodefaults
            -display none
            -machine pc
            -accel kvm
            -cpu host
            -smp 2
            -m 512M
            -rtc base=utc,clock=host
            -seed 1
            -no-reboot
            -kernel /k/bzImage
            -initrd /i/cpio
            -append KERNEL
            -chardev stdio,id=console,signal=off,mux=off
            -device isa-serial,chardev=console
            -chardev pipe,id=port,path=/s/port
            -device virtio-serial-pci,id=serial,ioeventfd=off
            -device virtserialport,bus=serial.0,chardev=port,name=patchlab.report
            -chardev socket,id=monitor,path=/s/monitor
            -mon chardev=monitor,mode=control
            -device pvpanic,events=3
            -action panic=none

            console=ttyS0,115200 loglevel=7 printk.time=1 panic=-1 norandmaps rcupdate.rcu_cpu_stall_timeout=100 watchdog_thresh=55 sysctl.kernel.hung_task_timeout_secs=140 unknown_nmi_panic
        "#]],
    );
}
