//! The functions that stand on a stack and are not what a report is about, class by class.

use super::Class;

/// Rows of (class, where the functions are, names). A name that ends with `*` stands for all that begin so.
pub(super) const TABLE: &[(Class, &str, &str)] = &[
    (
        Class::Reporting,
        "lib/dump_stack.c, kernel/panic.c, lib/bug.c, kernel/printk/, lib/vsprintf.c's callers in drivers/base/core.c",
        "dump_stack* __dump_stack panic vpanic nmi_panic* check_panic_on_warn report_bug* __report_bug __warn* \
         warn_slowpath* warn_bogus* bust_spinlocks print_oops_end_marker _printk printk printk_deferred printk_func \
         printk_sprint printk_trigger_flush vprintk* console_unlock console_lock console_trylock* \
         console_flush_all console_flush_on_panic console_emit_next_record call_console_driver \
         call_console_drivers nbcon_emit_next_record nbcon_atomic_flush_* __dev_printk dev_vprintk_emit dev_printk_emit \
         _dev_err _dev_warn _dev_info _dev_notice _dev_crit _dev_alert _dev_emerg _dev_printk __netdev_printk \
         netdev_printk netdev_err netdev_warn netdev_info print_hex_dump* print_tainted _print_tainted skb_dump \
         assfail asswarn assertfail btrfs_assertfail warn_thunk_thunk rewind_stack_do_exit \
         rewind_stack_and_make_dead make_task_dead",
    ),
    (
        Class::Reporting,
        "arch/*/kernel/{dumpstack,stacktrace,traps,process}.c, kernel/stacktrace.c: stacks and registers",
        "show_stack* show_regs* __show_regs* show_trace* show_opcodes dump_backtrace* walk_stackframe* unwind_* \
         __orc_find orc_find orc_ftrace_find deref_stack_reg stack_access_ok in_task_stack get_stack_info* \
         kernel_text_address __kernel_text_address core_kernel_text is_module_text_address is_bpf_text_address \
         bpf_ksym_find __module_address filter_irq_stacks save_stack_trace* __unwind_* arch_stack_walk* \
         stack_trace_* save_stack* __save_stack* kunwind_stack_walk print_stack_trace profile_pc die die_addr \
         die_kernel_fault __die* oops_* arm_notify_die crash_kexec __crash_kexec die_if_kernel die_mce \
         arm64_notify_die show_registers show_stacktrace show_raw_backtrace show_backtrace show_code dump_instr \
         dump_mem dump_kernel_instr show_iret_regs show_ip show_last_breaking_event kunwind_* deref_stack_* orc_ip \
         orc_module_find orc_bpf_find __save_stack_trace* arch_bpf_stack_walk print_trace_address __show_trace* \
         dump_trace print_context_stack* print_trace_stack print_trace_ops do_unwind* \
         arc_unwind_core arc_show_stacktrace parisc_show_stack do_show_stack dwarf_unwinder_dump sh_unwinder_* \
         microblaze_unwind* dik_show_*",
    ),
    (
        Class::Reporting,
        "kernel/sched/core.c, kernel/rcu/tree_stall.h, kernel/hung_task.c, lib/nmi_backtrace.c: whose stack is shown",
        "sched_show_task show_state_filter dump_cpu_task rcu_dump_cpu_stacks* print_cpu_stall* \
         print_other_cpu_stall* check_cpu_stall* rcu_check_gp_kthread_starvation* nmi_cpu_backtrace* \
         nmi_trigger_cpumask_backtrace arch_trigger_* trigger_single_cpu_backtrace trigger_all* check_hung_* \
         __schedule_bug __might_sleep watchdog rcu_print_* rcu_stall_* rcu_panic panic_on_rcu_stall \
         rcu_check_gp_start_stall synchronize_rcu_expedited_stall rcu_exp_print_* rcu_dump_* csd_lock_wait_toolong* \
         csd_lock_print_* cpumask_backtrace nmi_raise_cpu_backtrace print_irqtrace_events __might_resched \
         ___might_sleep __might_fault might_fault __cant_* check_stack_usage check_preemption_disabled \
         debug_smp_processor_id __this_cpu_preempt_check",
    ),
    (
        Class::Reporting,
        "mm/{page_alloc,debug,oom_kill,slub,memory,kmemleak}.c, lib/ref_tracker.c: reports about memory",
        "bad_page bad_page_* free_page_is_bad* dump_page __dump_page __dump_folio warn_alloc* oom_kill_process dump_header \
         out_of_memory object_err slab_err slab_bug slab_pad_check slab_fix print_trailer print_section \
         print_bad_pte print_bad_page_map check_slab check_object check_bytes_and_report free_debug_processing \
         alloc_debug_processing free_consistency_checks alloc_consistency_checks kmemleak_* create_object* \
         __create_object ref_tracker_* print_track print_tracking print_slab_info print_objinfo slab_error \
         __slab_error warn_free_bad_obj restore_bytes check_pad_bytes check_poison_obj page_poison* \
         check_poison_mem __check_element check_element poison_error",
    ),
    (
        Class::Reporting,
        "kernel/locking/lockdep.c: reports, which are machinery of locking as well",
        "lockdep_rcu_suspicious print_circular_bug* print_deadlock_bug* print_usage_bug* \
         print_irq_inversion_bug* print_bad_irq_dependency* print_unlock_imbalance_bug* print_lock_contention_bug* \
         print_freed_lock_bug* print_lock_invalid_wait_context* print_lock_nested_lock_not_held*",
    ),
    (
        Class::Trap,
        "arch/x86/{entry,kernel/traps.c,mm/fault.c}: exceptions and interrupts",
        "exc_* asm_exc_* sysvec_* asm_sysvec_* __sysvec_* instr_sysvec_* asm_call_* asm_common_interrupt \
         common_interrupt do_trap* do_error_trap invalid_op do_invalid_op do_int3 handle_bug fixup_bug \
         page_fault_oops no_context __bad_area* bad_area* kernelmode_fixup_or_oops do_user_addr_fault \
         do_kern_addr_fault __do_page_fault do_page_fault async_page_fault page_fault error_entry sync_regs \
         fixup_bad_iret native_irq_return_iret paranoid_entry general_protection do_general_protection double_fault \
         do_double_fault ret_from_intr retint_kernel restore_regs_and_return_to_kernel math_error do_divide_error \
         divide_error do_coprocessor_error end_repeat_nmi ret_from_exception perf_trace_* trace_event_raw_event_* \
         __traceiter_* handle_stack_overflow handle_invalid_op fixup_exception ex_handler_* early_fixup_exception \
         do_early_exception early_idt_handler_* show_fault_oops pgtable_bad spurious_kernel_fault* \
         gp_try_fixup_and_notify trace_page_fault trace_do_page_fault do_async_page_fault async_exc* \
         do_machine_check machine_check alignment_check do_alignment_check stack_segment do_stack_segment fred_* \
         asm_fred_* xen_do_* xen_evtchn_do_upcall xen_pv_evtchn_* __xen_pv_evtchn_* reschedule_interrupt do_IRQ \
         handle_irq retint_* error_exit paranoid_exit restore_all restore_all_kernel irq_entries_start \
         smp_reschedule_interrupt exc_page_fault device_not_available do_device_not_available",
    ),
    (
        Class::Trap,
        "arch/{arm64,arm,riscv,powerpc,s390,mips,loongarch,sparc}: exceptions and interrupts",
        "el1_* el1h_* __el1_* do_mem_abort do_translation_fault do_alignment_fault do_bad_area do_tag_* \
         do_sp_pc_abort __do_kernel_fault do_sea bug_handler bug_brk_handler call_break_hook do_el1_brk64 \
         brk_handler do_debug_exception die_kernel_fault early_brk64 do_DataAbort do_PrefetchAbort do_undefinstr \
         __dabt_svc __pabt_svc __und_svc __irq_svc handle_exception handle_page_fault handle_break do_trap_* do_irq \
         program_check_* data_access_* do_program_check interrupt_return* do_el0_* do_el1_* do_serror \
         arm64_serror_panic arm64_force_sig_* __panic_unhandled panic_bad_stack handle_bad_stack __bad_stack \
         report_tag_fault reserved_fault_* kasan_brk_handler cfi_brk_handler ubsan_brk_handler kasan_handler \
         cfi_handler ubsan_handler single_step_handler do_bad bad_mode __div0 __readwrite_bug __irq_usr __pabt_usr \
         __dabt_usr mm_fault_error no_context riscv_intc_irq __bad_page_fault bad_page_fault ___do_page_fault \
         hash__do_page_fault do_hash_fault do_hash_page _exception _exception_pkey exception_common \
         unrecoverable_exception bad_kernel_fault alignment_common* hardware_interrupt_common* decrementer_common* \
         instruction_access_* interrupt_exit_* pgm_check_handler __do_pgm_check do_dat_exception \
         do_protection_exception do_exception handle_fault_error* do_no_context do_report_trap illegal_op \
         monitor_event_exception ext_int_handler do_ext_irq io_int_handler do_io_irq do_irq_async do_ade do_be \
         do_bp do_tr do_ri do_ov do_trap_or_bp tlb_do_page_fault_* ret_from_irq handle_int handle_bp \
         handle_tlb_load handle_tlb_store handle_tlb_modify handle_tlb_protect do_bce do_vint handle_vint \
         do_sparc64_fault sparc64_realfault_common bad_kernel_pc",
    ),
    (
        Class::Trap,
        "arch/x86/lib/retpoline.S, arch/*/kernel/ftrace*: what stands between a call and its function",
        "__x86_indirect_* __x86_return_thunk __indirect_thunk_* srso_alias_* srso_return_thunk srso_safe_ret \
         srso_untrain_ret retbleed_return_thunk retbleed_untrain_ret its_return_thunk entry_ibpb __fentry__ \
         ftrace_caller __x86_return_* clear_bhb_loop ftrace_regs_call ftrace_call return_to_handler \
         arch_ftrace_ops_list_func ftrace_ops_list_func ftrace_ops_assist_func",
    ),
    (
        Class::Trap,
        "arch/x86/include/asm/msr.h, arch/x86/lib/msr.c: one instruction for the caller",
        "native_write_msr* native_read_msr* do_trace_write_msr do_trace_read_msr wrmsr* rdmsr*",
    ),
    (
        Class::Sanitizer,
        "mm/{kasan,kmsan,kfence}/, kernel/{kcsan,kcov.c}, lib/ubsan.c",
        "kasan_* __kasan_* __asan_* __hwasan_* check_memory_region* check_region_inline print_address_description \
         print_report end_report kmsan_* __msan_* kcsan_* __kcsan_* __tsan_* kfence_* __kfence_* ubsan_* __ubsan_* \
         handle_overflow val_to_string __sanitizer_* write_comp_data check_kcov_mode in_softirq_really instrument_* \
         stack_depot_* __stack_depot_* __stack_chk_fail read_word_at_a_time qlist_* quarantine_* cfi_slowpath* \
         cfi_check* cfi_failure* cfi_warn* __cfi_* handle_cfi_failure report_cfi_* handle_object_size_mismatch \
         handle_misaligned_access handle_null_ptr_deref report_ubsan_failure bytes_is_nonzero memory_is_* \
         init_task_stack_addr describe_object* start_report complete_report_info asan_* find_watchpoint \
         setup_watchpoint set_track_prepare depot_* msan_* _test_and_*_bit_instrumented",
    ),
    (
        Class::Assertion,
        "lib/{refcount,list_debug,debugobjects,string_helpers}.c, mm/usercopy.c, lib/kobject.c, drivers/base/core.c",
        "refcount_* __refcount_* __list_add_valid* __list_del_entry_valid* __list_valid_slowpath list_add \
         list_add_tail list_del list_del_init debug_object_* __debug_object_* debug_print_object debug_check_no_* \
         __debug_check_no_* debug_timer_* debug_hrtimer_* debug_work_* debug_rcu_* debug_assert_* \
         lookup_object_or_alloc fortify_panic __fortify_* usercopy_abort usercopy_warn __check_object_size \
         check_heap_object __check_heap_object check_stack_object check_page_span kobject_* kobj_attr_show \
         kobj_attr_store kobj_ns_* kobj_kset_* kobj_child_ns_ops kref_* kset_create* kset_register kset_unregister \
         get_device put_device device_add device_register device_create* device_del device_unregister device_destroy device_release \
         devres_release_all sysfs_warn_dup sysfs_add_file_* sysfs_create_dir_* proc_register proc_mkdir* \
         proc_create*",
    ),
    (
        Class::Assertion,
        "net/core/skbuff.c, drivers/usb/core/{urb,message}.c: bounds and arguments of the caller",
        "skb_panic skb_over_panic skb_under_panic skb_put skb_push skb_pull* __skb_put* pskb_put \
         skb_warn_bad_offload usb_submit_urb usb_start_wait_urb usb_bulk_msg usb_interrupt_msg usb_control_msg* \
         usb_internal_control_msg",
    ),
    (
        Class::Allocation,
        "mm/{slub,slab_common,util,vmalloc,page_alloc,mempolicy,percpu}.c",
        "kmalloc* __kmalloc* ___kmalloc* __do_kmalloc* kzalloc* kcalloc* krealloc* __do_krealloc kvmalloc* \
         __kvmalloc* kvzalloc* vmalloc vmalloc_noprof vmalloc_user* vmalloc_node* vmalloc_32* vmalloc_huge* \
         vmalloc_array* __vmalloc* vzalloc* kfree kfree_sensitive kfree_const kfree_bulk kfree_nolock fs_reclaim_* \
         __fs_reclaim_* might_alloc kvfree* vfree vfree_atomic vunmap kmem_cache_* __kmem_cache_* slab_alloc* \
         slab_free* slab_post_alloc* slab_pre_alloc* slab_destroy* __slab_* ___slab_* do_slab_free new_slab \
         set_track set_track_prepare set_track_update memcg_slab_* __memcg_slab_* memcg_alloc_* allocate_slab \
         alloc_slab_page alloc_slab_obj_exts free_to_partial* setup_object* get_freepointer* get_partial* free_slab \
         discard_slab unfreeze_partials* put_cpu_partial flush_cpu_slab cache_from_obj deactivate_slab alloc_pages* \
         __alloc_pages* alloc_frozen_pages* __alloc_frozen_* alloc_page alloc_page_vma* alloc_page_interleave \
         folio_alloc* __folio_alloc* vma_alloc_folio* get_page_from_freelist prep_new_page post_alloc_hook rmqueue* \
         __rmqueue* get_free_pages* __get_free_pages get_zeroed_page* __free_pages* free_pages* free_page \
         free_the_page free_compound_page put_compound_page __put_compound_page put_page __put_page page_frag_* \
         __page_frag_* free_unref_* __free_one_page free_pcppages_bulk free_one_page __folio_put* mempool_* \
         pcpu_alloc* free_percpu kmemdup* __kmemdup* kstrdup* kstrndup kasprintf* kvasprintf* memdup_user* \
         vmemdup_user strndup_user vcalloc* __vcalloc* kvmemdup* __kvmemdup* ___cache_free __free_slab free_to_pcs* \
         alloc_from_pcs* refill_sheaf alloc_from_new_slab alloc_single_from_* free_large_kmalloc ksize __ksize \
         set_freepointer add_partial remove_full remove_partial check_valid_pointer init_object validate_slab* \
         slab_lock slab_unlock slab_update_freelist rcu_free_slab __realloc_size freelist_ptr_decode \
         __get_vm_area_* get_vm_area* alloc_vmap_area",
    ),
    (
        Class::Allocation,
        "mm/slab.c, which went with Linux 6.8",
        "____cache_alloc* __cache_alloc* __do_cache_alloc cache_alloc_* cache_grow* cache_free_debugcheck \
         cache_flusharray __cache_free fallback_alloc free_block slab_get_obj slab_put_obj kmem_getpages \
         kmem_freepages verify_redzone_free drain_array drain_array_locked",
    ),
    (
        Class::Allocation,
        "net/core/{skbuff,sock}.c: buffers and memory for a caller",
        "alloc_skb* __alloc_skb* __netdev_alloc_skb* netdev_alloc_* __napi_alloc_* napi_alloc_* __build_skb* \
         kmalloc_reserve sock_alloc_send_* sock_wmalloc sock_kmalloc sk_prot_alloc",
    ),
    (
        Class::Locking,
        "kernel/locking/lockdep.c",
        "lock_acquire* __lock_acquire* lock_release* __lock_release* lock_is_held* __lock_is_held lock_contended \
         lock_acquired lock_set_class __lock_set_class lock_downgrade __lock_downgrade lock_pin_lock \
         lock_unpin_lock reacquire_held_locks lockdep_* __lockdep_* mark_lock* mark_usage mark_held_locks \
         validate_chain check_noncircular check_deadlock check_prev_add check_prevs_add check_irq_usage \
         check_usage* check_wait_context check_path print_lock* print_circular_* print_deadlock_* print_usage_* \
         print_irq_inversion_* print_unlock_* print_freed_lock_* print_held_locks_* print_bad_irq_dependency \
         register_lock_class look_up_lock_class find_usage_* assign_lock_key trace_hardirqs_* trace_softirqs_* \
         valid_state hlock_class debug_check_no_locks_* debug_show_held_locks save_trace debug_show_all_locks \
         __bfs* lookup_chain_* add_chain_* add_lock_to_list graph_lock graph_unlock check_chain_key \
         check_lock_chain_key __lock_pin_lock __lock_repin_lock __lock_unpin_lock lock_repin_lock lock_sync \
         __lock_sync find_held_lock match_held_lock usage_match usage_skip usage_accumulate check_flags \
         verify_lock_unused zap_class print_bfs_bug print_collision __print_lock_name noop_count __trace_hardirqs_* \
         check_no_collision",
    ),
    (
        Class::Locking,
        "kernel/locking/: spinlocks, mutexes, semaphores",
        "_raw_* __raw_* do_raw_spin_* do_raw_read_* do_raw_write_* queued_spin_* queued_read_* queued_write_* \
         __pv_queued_* pv_queued_* native_queued_* pv_wait* pv_kick* pv_hybrid_* kvm_wait spin_lock* spin_unlock* \
         spin_bug spin_dump __spin_lock_debug rwlock_bug read_lock* write_lock* mutex_* __mutex_* ww_mutex_* \
         debug_mutex_* osq_* down down_interruptible down_killable down_timeout down_trylock down_read \
         down_read_interruptible down_read_killable down_read_nested down_read_non_owner down_read_trylock \
         down_write down_write_killable down_write_nested down_write_trylock down_write_nest_lock __down \
         __down_common __down_interruptible __down_killable __down_timeout __down_read* __down_write* up up_read \
         up_read_non_owner up_write __up __up_read* __up_write* downgrade_write call_rwsem_* \
         rwsem_* rwbase_* percpu_down_* \
         percpu_up_* __percpu_down_* percpu_rwsem_* rt_mutex_* __rt_mutex_* rt_spin_* __rt_spin_* rtlock_* \
         rt_read_* rt_write_* _atomic_dec_and_lock* atomic_dec_and_mutex_lock refcount_dec_and_lock* local_bh_* \
         __rcu_read_* rcu_read_* __srcu_read_* rcu_is_watching rcu_lockdep_* debug_lockdep_rcu_enabled \
         preempt_count_* trace_preempt_* __local_bh_* owner_on_cpu arch_spin_* ___down_common __ww_mutex_* _mutex_* \
         _rt_mutex_* _down_* _spin_* _read_lock* _read_unlock* _write_lock* _write_unlock* raw_spin_rq_* \
         task_rq_lock __task_rq_lock __mmap_lock_* do_write_seqcount_* \
         read_seqcount_* write_seqcount_* read_seqbegin* write_seqlock* seqcount_* __lock_sock",
    ),
    (
        Class::Library,
        "include/{linux,asm-generic}/: atomics and bits, where they are functions",
        "atomic_read* atomic_set* atomic_inc* atomic_dec* atomic_add* atomic_sub* atomic_fetch_* atomic_cmpxchg* \
         atomic_xchg* atomic_try_cmpxchg* atomic64_* atomic_long_* arch_atomic* raw_atomic* arch_test_* \
         arch_set_bit arch_clear_bit arch___* test_bit set_bit clear_bit test_and_set_bit* test_and_clear_bit* \
         _test_bit __read_once_size __write_once_size* hlist_del* hlist_add_* __hlist_del __list_add __list_del \
         __list_del_entry list_move list_move_tail list_splice* list_empty list_replace",
    ),
    (
        Class::Waiting,
        "kernel/sched/{wait,wait_bit,completion,swait}.c, kernel/time/{sleep_timeout,timer}.c",
        "wait_for_completion* __wait_for_common wait_for_common do_wait_for_common __wait_on_bit* wait_on_bit* \
         out_of_line_wait_* bit_wait* wake_bit_function wake_up_bit __wake_up* wake_up_process wake_up_q \
         wake_up_state wake_up_var wake_up_new_task wake_up_klogd wake_up_if_idle wake_q_* try_to_wake_up ttwu_* \
         autoremove_wake_function default_wake_function woken_wake_function wait_woken prepare_to_wait* \
         prepare_to_swait* finish_wait finish_swait add_wait_queue* remove_wait_queue do_wait_intr* swake_* \
         complete complete_all complete_with_flags complete_on_current_cpu try_wait_for_completion \
         __prepare_to_swait __finish_swait __swait_* rcuwait_wake_up finish_rcuwait var_wake_function wake_atomic_t_function \
         __schedule_timeout* kick_process schedule_timeout* schedule_hrtimeout* msleep msleep_interruptible \
         usleep_* fsleep",
    ),
    (
        Class::Waiting,
        "mm/filemap.c, fs/buffer.c: until a folio or a buffer is read, written or unlocked",
        "folio_wait_* __folio_lock* wait_on_page_* wait_on_buffer __wait_on_buffer __lock_page* __lock_buffer \
         lock_page_* sleep_on_page*",
    ),
    (
        Class::Waiting,
        "kernel/{workqueue,kthread,softirq}.c: work that is queued, flushed or taken back",
        "flush_work flush_workqueue* __flush_work* flush_delayed_work flush_rcu_work drain_workqueue \
         destroy_workqueue start_flush_work insert_wq_barrier touch_w*_lockdep_map cancel_work* __cancel_work* \
         cancel_delayed_work* try_to_grab_pending work_grab_pending queue_work_on __queue_work insert_work \
         queue_delayed_work_on __queue_delayed_work mod_delayed_work_on __init_work kthread_stop* kthread_park \
         kthread_flush_work* kthread_cancel_* tasklet_kill* __kthread_cancel_* kthread_queue_* kthread_insert_work* \
         kthread_mod_* kthread_parkme __kthread_parkme kthread_unpark __kthread_create_* kthread_create_* \
         tasklet_unlock_* __tasklet_* raise_softirq* __raise_softirq_* pwq_* __pwq_* wq_barrier_func \
         check_flush_dependency flush_workqueue_prep_pwqs disable_work* __disable_work* enable_work",
    ),
    (
        Class::Waiting,
        "kernel/time/{timer,hrtimer}.c: timers that are set or deleted",
        "del_timer* timer_delete* __timer_delete* __try_to_del_timer_sync try_to_del_timer_sync mod_timer* \
         __mod_timer add_timer* timer_shutdown* init_timer_key timer_init_key lock_timer_base detach_if_pending \
         enqueue_timer hrtimer_cancel internal_add_timer debug_activate debug_deactivate timer_reduce \
         do_init_timer* timer_is_static_object __hrtimer_start_* remove_hrtimer __remove_hrtimer enqueue_hrtimer \
         hrtimer_active hrtimer_start hrtimer_cancel_wait_running hrtimer_forward __hrtimer_init __hrtimer_setup \
         hrtimer_try_to_cancel hrtimer_start_range_ns hrtimer_init hrtimer_setup",
    ),
    (
        // Not synchronize_rcu() itself: whoever hangs in it, the grace period is what does not end.
        Class::Waiting,
        "kernel/rcu/: below the functions that callers know",
        "wait_rcu_gp __wait_rcu_gp __synchronize_srcu* synchronize_rcu_expedited_wait* wait_rcu_exp_gp \
         synchronize_rcu_normal _synchronize_rcu_expedited srcu_barrier call_rcu* __call_rcu* __call_srcu call_srcu \
         srcu_gp_start_if_needed kvfree_call_rcu exp_funnel_lock rcu_exp_wait_wake sync_rcu_exp_select_cpus \
         synchronize_rcu_trivial*",
    ),
    (
        Class::Scheduling,
        "kernel/sched/core.c, kernel/rcu/tree_plugin.h, arch/*/kernel/process.c",
        "schedule __schedule schedule_idle schedule_preempt_disabled schedule_debug schedule_rtlock \
         preempt_schedule* __preempt_schedule* dynamic_preempt_* __cond_resched* io_schedule* context_switch \
         finish_task_switch* __switch_to* switch_to raw_irqentry_exit_cond_resched irqentry_exit_cond_resched \
         cond_resched* _cond_resched schedule_tail do_task_dead rt_mutex_schedule rt_mutex_pre_schedule \
         __refrigerator try_to_freeze freezing_slow_path __might_resched trace_sched_switch \
         rcu_note_context_switch",
    ),
    (
        Class::Library,
        "lib/{string,string_helpers,vsprintf,hexdump}.c, arch/*/lib/",
        "memcpy memcpy_orig memcpy_erms memcpy_fromio memcpy_toio memcpy_and_pad memcpy_flushcache memset \
         memset_orig memset_erms memset16 memset32 memset64 memset_io memmove memmove_orig memmove_erms memcmp \
         memchr memchr_inv memscan __memcpy __memcpy_fromio __memcpy_toio __memcpy_flushcache __memcpy_mcsafe \
         __memcpy_fast __memcpy_generic __rmemcpy* __memset_fast __memset_generic __clear_user_fast \
         __clear_user_generic __memset __memset_io __memmove __pi_mem* __memcmp __memscan __memchr strlen strnlen strcmp strncmp \
         strcasecmp strncasecmp strcpy strncpy strlcpy strscpy* sized_strscpy* strcat strlcat strncat strchr* \
         strrchr strstr strnstr strsep strspn* strcspn* strim* strreplace* __strcmp __strlen __strncpy* __strscpy* \
         __strnlen_user sized_strscpy stpcpy strpbrk check_bytes8 skip_spaces _kstrto* _parse_integer* hex2bin \
         bin2hex hex_to_bin format_decode special_hex_number put_dec put_dec_full* put_dec_trunc* put_dec_helper* \
         bcmp string string_nocheck pointer number vsnprintf vscnprintf snprintf scnprintf sprintf vsprintf \
         va_format hex_dump_to_buffer sysfs_streq match_string kstrto* simple_strto*",
    ),
    (
        Class::Library,
        "lib/{rbtree,xarray,radix-tree,idr,llist,list_sort,sort,bitmap,find_bit,timerqueue,plist,percpu_counter}.c",
        "rb_insert_color* rb_erase* rb_next* rb_prev rb_first* rb_last rb_replace_node* __rb_insert* __rb_erase* \
         __rb_change_child klist_add_* klist_del klist_remove klist_next klist_prev klist_iter_* klist_init* \
         klist_node_* klist_dec_* klist_put klist_release sg_miter_* sg_copy_* xas_* xa_* __xa_* radix_tree_* \
         __radix_tree_* idr_* ida_* llist_* list_sort sort sort_r bsearch bitmap_find_* bitmap_zalloc bitmap_alloc* \
         bitmap_free bitmap_set bitmap_clear bitmap_parse* bitmap_print_to_* bitmap_release_region __bitmap_and* \
         __bitmap_or* __bitmap_xor __bitmap_equal __bitmap_intersects __bitmap_subset __bitmap_weight* __bitmap_set \
         __bitmap_clear __bitmap_complement __bitmap_shift_* __bitmap_replace _find_first_* _find_next_* \
         _find_last_bit __find_nth_* bitmap_from_arr* bitmap_to_arr* bitmap_cut bitmap_remap rb_left_deepest_node \
         rb_prev_postorder rb_first_postorder rb_next_postorder rb_red_parent rb_set_black percpu_counter_* \
         _find_nth_* find_first_bit find_first_zero_bit find_next_bit find_next_zero_bit* find_next_and_bit \
         find_last_bit __sw_hweight* timerqueue_* plist_* __percpu_counter_*",
    ),
    (
        Class::Library,
        "lib/crc/, lib/crc*.c, lib/checksum.c, lib/siphash.c: sums",
        "crc4 crc7* crc8 crc16* crc32 crc32_le* crc32_be* crc32c crc32c_le* crc32c_arch* crc32c_base crc32c_x86* \
         crc32_arch* crc32_body crc32_generic_* crc32_pclmul_* crc32c_intel_* crc32c_pcl_* crc64* crc_ccitt* \
         crc_itu_t* crc_t10dif* __crc* libcrc32c* csum_partial* csum_fold csum_ipv6_magic csum_and_copy_* \
         csum_block_* __csum_* do_csum ip_compute_csum siphash_* __siphash_* hsiphash_* __hsiphash_* jhash* xxh32* \
         xxh64* sha1_transform sha256_transform* sha1_block_* sha256_block_* sha512_transform md5_transform \
         xor_blocks xor_avx* xor_sse*",
    ),
    (
        Class::Library,
        "lib/{iov_iter,usercopy}.c, mm/maccess.c, arch/*/lib/: copies from and to users",
        "copy_from_user copy_from_user_nofault copy_from_user_nmi copy_to_user copy_to_user_nofault _copy_from_* \
         _copy_to_* __copy_from_* __copy_to_* __copy_user* copy_user_generic* copy_user_enhanced* \
         copy_user_handle_tail raw_copy_* rep_movs* rep_stos* __arch_copy_* __arch_clear_user __clear_user \
         clear_user* copy_page copy_page_to_iter* copy_page_from_iter* copy_folio_to_iter* copy_folio_from_iter* \
         copy_highpage copy_mc_* clear_page* copy_iovec_from_user iov_iter_* import_iovec* __import_iovec \
         iterate_and_advance* iterate_bvec iterate_iovec iterate_xarray fault_in_* __get_user_* __put_user_* \
         get_user_nocheck* copy_from_kernel_nofault* __iov_iter_* iovec_from_user copy_compat_iovec_from_user \
         copy_to_user_iter* copy_from_user_iter* zero_to_user_iter memcpy_to_iter* memcpy_from_iter* iterate_iovec* \
         iterate_all_kinds check_zeroed_user copy_to_kernel_nofault __copy_overflow copy_overflow copyin copyout \
         copyout_mc bad_get_user bad_put_user* __get_user __put_user copy_in_user _copy_in_user memcpy_page \
         memcpy_to_page memcpy_from_page probe_kernel_* __probe_kernel_* strncpy_from_user* strnlen_user* \
         copy_struct_from_user",
    ),
    (
        Class::FaultInjection,
        "lib/fault-inject.c, mm/{failslab,fail_page_alloc}.c, block/blk-core.c",
        "should_fail* __should_fail* fail_dump fail_usercopy fail_stacktrace fault_create_debugfs_attr",
    ),
    (
        Class::Entry,
        "arch/*/entry, kernel/{kthread,workqueue,softirq}.c",
        "do_syscall_* x64_sys_call entry_SYSCALL* entry_INT80* entry_SYSENTER* do_fast_syscall_32 \
         __do_fast_syscall_32 do_int80* invoke_syscall el0_svc* do_el0_svc el0t_* __invoke_syscall ret_fast_syscall \
         ret_to_user ret_from_fork* ret_from_kernel_thread kthread worker_thread process_one_work \
         process_scheduled_works smpboot_thread_fn kthread_worker_fn __do_syscall system_call* syscall_common \
         handle_sys handle_sys64 handle_syscall do_syscall entry_FRED* ret_from_kernel_user_thread \
         kernel_thread_starter kernel_thread_helper child_rip linux_sparc_syscall* sysenter_dispatch \
         sysenter_past_esp system_call_fastpath tracesys* int_ret_from_sys_call compat_sys_call \
         ia32_sysenter_target cstar_dispatch stub_clone secondary_startup_64* start_secondary rest_init \
         x86_64_start_*",
    ),
    (
        Class::Watchdog,
        "kernel/{watchdog*,softirq,smp,irq_work}.c, kernel/rcu/tree*, kernel/time/tick*: the interrupt that notices",
        "rcu_sched_clock_irq rcu_pending rcu_check_callbacks rcu_flavor_sched_clock_irq __rcu_pending rcu_exp_* \
         watchdog_* __watchdog_* softlockup_* hardlockup_* lockup_detector_* is_softlockup tick_* \
         update_process_times hrtimer_* __hrtimer_* lapic_* native_apic_* native_x2apic_* x2apic_* clockevents_* \
         timekeeping_* __run_hrtimer __irq_exit_rcu irq_exit* irq_enter* irqentry_* irq_work_* \
         local_apic_timer_interrupt smp_apic_timer_interrupt apic_timer_interrupt smp_call_function_interrupt \
         call_function_* __do_softirq do_softirq* handle_softirqs invoke_softirq run_ksoftirqd nmi_* default_do_nmi \
         do_nmi nmi perf_event_* __perf_event_* intel_pmu_* x86_pmu_* amd_pmu_* armpmu_* cpu_stopper_thread",
    ),
    (
        Class::Watchdog,
        "drivers/{clocksource,irqchip}, kernel/irq/: timer interrupts of arm64, arm and riscv",
        "arch_timer_handler_* handle_percpu_devid_irq handle_irq_desc generic_handle_* handle_domain_irq \
         gic_handle_irq gic_handle_* __gic_handle_* call_on_irq_stack do_interrupt_handler generic_handle_arch_irq \
         riscv_timer_interrupt riscv_intc_* handle_riscv_irq timer_interrupt",
    ),
    (
        Class::Delay,
        "arch/*/lib/delay.c",
        "delay_tsc delay_loop delay_halt* __delay __const_udelay __udelay __ndelay udelay ndelay cpu_relax rep_nop",
    ),
    (
        Class::Delay,
        "kernel/time/{timekeeping,sched_clock}.c: what a loop asks how long it has waited",
        "ktime_get* ktime_mono_* getnstimeofday* do_gettimeofday sched_clock* local_clock* native_sched_clock \
         read_tsc get_cycles* arch_counter_*",
    ),
    (
        Class::Idle,
        "kernel/sched/idle.c, arch/*/kernel/process.c, drivers/{cpuidle,idle,acpi}",
        "native_safe_halt pv_native_safe_halt arch_safe_halt default_idle* acpi_safe_halt acpi_idle_* intel_idle* \
         mwait_idle* cpuidle_* cpu_idle_poll poll_idle do_idle cpu_startup_entry arch_cpu_idle cpu_do_idle \
         tdx_safe_halt tdx_halt psci_enter_idle*",
    ),
    (
        Class::Interrupt,
        "arch/*/entry, arch/*/kernel/entry*",
        "apic_timer_interrupt asm_sysvec_* smp_apic_timer_interrupt_return asm_common_interrupt ret_from_intr \
         el1_irq el1h_64_irq el1h_64_fiq __irq_svc reschedule_interrupt call_function_single_interrupt \
         decrementer_common* hardware_interrupt_common* ext_int_handler io_int_handler handle_int handle_vint",
    ),
    (
        Class::Dispatch,
        "arch/*/entry, kernel/: system calls, works, timers, interrupts and other callbacks",
        "do_syscall_* x64_sys_call ia32_sys_call do_int80* do_fast_syscall_32 __do_fast_syscall_32 entry_SYSCALL* \
         invoke_syscall __invoke_syscall el0_svc* do_el0_svc system_call* __do_syscall syscall_common \
         process_one_work kthread_worker_fn kthread call_timer_fn expire_timers __run_timers __run_hrtimer \
         __hrtimer_run_queues tasklet_action_common* tasklet_action __do_softirq do_softirq* handle_softirqs \
         run_ksoftirqd __handle_irq_event_percpu handle_irq_event_percpu task_work_run rcu_do_batch rcu_core \
         irq_work_single irq_work_run_list flush_smp_call_function_queue __flush_smp_call_function_queue \
         notifier_call_chain ret_from_fork* smpboot_thread_fn do_one_initcall exit_to_user_mode_loop \
         exit_to_usermode_loop do_user_addr_fault __do_page_fault do_page_fault",
    ),
    (
        Class::Dispatch,
        "fs/{read_write,ioctl,file_table}.c, net/{socket.c,core/dev.c}: operations of files, sockets and packets",
        "vfs_read vfs_write __vfs_read __vfs_write new_sync_read new_sync_write vfs_ioctl do_vfs_ioctl ksys_ioctl \
         vfs_iter_* do_iter_* full_proxy_* proc_reg_* kernfs_fop_* vfs_fsync_range __fput sock_sendmsg* \
         __sock_sendmsg sock_recvmsg* __x64_sys_ioctl __se_sys_ioctl __do_sys_ioctl __arm64_sys_ioctl \
         __netif_receive_skb*",
    ),
];
