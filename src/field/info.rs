//! Keys of `show info`, in the order in which HAProxy 3.4 prints them. Keys that 3.4 no longer has
//! are placed where older releases print them.
//!
//! Entries have the form of the table of columns. `P` stands for the process, which is the only kind
//! of object that has keys.

use super::{Field, InfoKey, Nature, Rule, Unit, ValueType, positions};

/// Calls `$callback!` with the whole table.
macro_rules! for_each_key {
    ($callback:ident $(, $argument:tt)*) => {
        $callback! {
            $($argument)*
            name = "Name", Text, None, Output, "2.2", [P] Same,
                "Name of the product, `HAProxy`.";
            version = "Version", Text, None, Output, "2.2", [P] Same,
                "Release of HAProxy with the packager's suffix, such as `3.4.7-1`.";
            release_date = "Release_date", Text, None, Output, "2.2", [P] Same,
                "Date of the newest change to HAProxy's sources in this build.";
            nbthread = "Nbthread", U32, Count, Gauge, "2.2", [P] Same,
                "Threads that the process runs.";
            nbproc = "Nbproc", U32, Count, Gauge, "2.2", [P] Same,
                "Number of processes set with `nbproc`; always 1 in releases without this setting.";
            process_num = "Process_num", U32, Code, Gauge, "2.2", [P] PerProcess,
                "Number of the process within an HAProxy that runs several (`nbproc`), otherwise 1.";
            pid = "Pid", U32, Code, Gauge, "2.2", [P] PerProcess,
                "The system's process id; in a container it is the container's, so another container may \
                 have the same one.";
            uptime = "Uptime", Text, None, Duration, "2.2", [P] PerProcess,
                "Time since the start as text for people, such as `0d 0h02m37s`; `Uptime_sec` has it as a \
                 number.";
            uptime_sec = "Uptime_sec", U32, Seconds, Duration, "2.2", [P] Min,
                "Time since the process started.";
            memmax_mb = "Memmax_MB", U32, Megabytes, Limit, "2.2", [P] Limit,
                "Memory the process may use (`-m` on the command line).";
            pool_alloc_mb = "PoolAlloc_MB", U32, Megabytes, Gauge, "2.2", [P] Sum,
                "Memory allocated by the pools, in whole megabytes; `PoolAlloc_bytes` is exact.";
            pool_used_mb = "PoolUsed_MB", U32, Megabytes, Gauge, "2.2", [P] Sum,
                "Memory of the pools in use, in whole megabytes; `PoolUsed_bytes` is exact.";
            pool_failed = "PoolFailed", U32, Count, Counter, "2.2", [P] Sum,
                "Times a pool could not get memory.";
            ulimit_n = "Ulimit-n", U32, Count, Limit, "2.2", [P] Limit,
                "File descriptors the process may have open.";
            maxsock = "Maxsock", U32, Count, Limit, "2.2", [P] Limit,
                "Sockets the process may have open.";
            maxconn = "Maxconn", U32, Count, Limit, "2.2", [P] Limit,
                "Client connections allowed at a time; `set maxconn global` can lower it at run time.";
            hard_maxconn = "Hard_maxconn", U32, Count, Limit, "2.2", [P] Limit,
                "Highest value that `Maxconn` can be set to at run time.";
            curr_conns = "CurrConns", U32, Count, Gauge, "2.2", [P] Sum,
                "Client connections open now, without connections to stats sockets.";
            cum_conns = "CumConns", U32, Count, Counter, "2.2", [P] Sum,
                "Connections so far of all kinds: from clients, to stats sockets, and to servers by \
                 health checks.";
            cum_req = "CumReq", U32, Count, Counter, "2.2", [P] Sum,
                "Streams so far: HTTP requests, and also TCP sessions and commands on stats sockets.";
            max_ssl_conns = "MaxSslConns", U32, Count, Max, "2.2", [P] Limit,
                "TLS connections allowed at a time on both sides (`maxsslconn`); this is a setting, not a \
                 peak.";
            curr_ssl_conns = "CurrSslConns", U32, Count, Gauge, "2.2", [P] Sum,
                "TLS connections open now, to clients and to servers.";
            cum_ssl_conns = "CumSslConns", U32, Count, Counter, "2.2", [P] Sum,
                "TLS connections so far, with clients and with servers, including failed handshakes.";
            maxpipes = "Maxpipes", U32, Count, Limit, "2.2", [P] Same,
                "Pipes allowed for splicing (`maxpipes`); derived from the configuration if unset, 0 if \
                 nothing uses splicing.";
            pipes_used = "PipesUsed", U32, Count, Gauge, "2.2", [P] Sum,
                "Pipes in use for splicing now.";
            pipes_free = "PipesFree", U32, Count, Gauge, "2.2", [P] Sum,
                "Pipes for splicing that are open and not in use.";
            conn_rate = "ConnRate", U32, PerSecond, Rate, "2.2", [P] Sum,
                "Connections accepted from clients in the last second.";
            conn_rate_limit = "ConnRateLimit", U32, PerSecond, Limit, "2.2", [P] Limit,
                "Highest number of client connections accepted per second (`maxconnrate`).";
            max_conn_rate = "MaxConnRate", U32, PerSecond, Max, "2.2", [P] Range,
                "Most connections accepted in one second.";
            sess_rate = "SessRate", U32, PerSecond, Rate, "2.2", [P] Sum,
                "Sessions started in the last second.";
            sess_rate_limit = "SessRateLimit", U32, PerSecond, Limit, "2.2", [P] Limit,
                "Highest number of sessions started per second (`maxsessrate`).";
            max_sess_rate = "MaxSessRate", U32, PerSecond, Rate, "2.2", [P] Range,
                "Most sessions started in one second; this is a peak, although HAProxy tags it as a rate.";
            ssl_rate = "SslRate", U32, PerSecond, Rate, "2.2", [P] Sum,
                "TLS connections accepted from clients in the last second.";
            ssl_rate_limit = "SslRateLimit", U32, PerSecond, Limit, "2.2", [P] Limit,
                "Highest number of TLS connections accepted per second (`maxsslrate`).";
            max_ssl_rate = "MaxSslRate", U32, PerSecond, Max, "2.2", [P] Range,
                "Most TLS connections accepted in one second.";
            ssl_frontend_key_rate = "SslFrontendKeyRate", U32, PerSecond, Gauge, "2.2", [P] Sum,
                "Full TLS handshakes with clients in the last second.";
            ssl_frontend_max_key_rate = "SslFrontendMaxKeyRate", U32, PerSecond, Max, "2.2", [P] Range,
                "Most full TLS handshakes with clients in one second.";
            ssl_frontend_session_reuse_pct = "SslFrontendSessionReuse_pct", U32, Percent, Gauge, "2.2", [P] Mean,
                "Share of the clients' TLS connections that resumed a session in the last second; 0 \
                 without traffic.";
            ssl_backend_key_rate = "SslBackendKeyRate", U32, PerSecond, Rate, "2.2", [P] Sum,
                "Full TLS handshakes with servers in the last second, including those of health checks.";
            ssl_backend_max_key_rate = "SslBackendMaxKeyRate", U32, PerSecond, Max, "2.2", [P] Range,
                "Most full TLS handshakes with servers in one second.";
            ssl_cache_lookups = "SslCacheLookups", U32, Count, Counter, "2.2", [P] Sum,
                "TLS sessions looked up in the session cache; sessions resumed by ticket do not use it.";
            ssl_cache_misses = "SslCacheMisses", U32, Count, Counter, "2.2", [P] Sum,
                "TLS sessions looked up in the session cache and not found.";
            compress_bps_in = "CompressBpsIn", U32, BytesPerSecond, Rate, "2.2", [P] Sum,
                "Bytes that entered the HTTP compressor in the last second.";
            compress_bps_out = "CompressBpsOut", U32, BytesPerSecond, Rate, "2.2", [P] Sum,
                "Bytes that left the HTTP compressor in the last second.";
            compress_bps_rate_lim = "CompressBpsRateLim", U32, BytesPerSecond, Limit, "2.2", [P] Limit,
                "Output rate above which the HTTP compressor stops (`maxcomprate`).";
            zlib_mem_usage = "ZlibMemUsage", U32, Bytes, Gauge, "2.2", [P] Sum,
                "Memory used by compression now; only builds with zlib have the key.";
            max_zlib_mem_usage = "MaxZlibMemUsage", U32, Bytes, Limit, "2.2", [P] Limit,
                "Memory above which compression stops (`maxzlibmem`); only builds with zlib have the key.";
            tasks = "Tasks", U32, Count, Gauge, "2.2", [P] Sum,
                "Tasks that exist, including waiting ones.";
            run_queue = "Run_queue", U32, Count, Gauge, "2.2", [P] Sum,
                "Tasks ready to run now.";
            idle_pct = "Idle_pct", U32, Percent, Average, "2.2", [P] Mean,
                "Share of the last second that the thread which answered spent waiting for work.";
            node = "node", Text, None, Output, "2.2", [P] Same,
                "Name of the node (`node`); by default, the name of the host.";
            description = "description", Text, None, Output, "2.2", [P] SameOrEmpty,
                "Description of the process in the configuration (`description`); a process without one \
                 does not print the key.";
            stopping = "Stopping", U32, Count, Gauge, "2.2", [P] Sum,
                "Flag that is 1 if the process is stopping: it serves its open connections, then ends; \
                 the sum is the number of stopping processes.";
            jobs = "Jobs", U32, Count, Gauge, "2.2", [P] Sum,
                "Connections, listeners and other work that keep the process from ending.";
            unstoppable_jobs = "Unstoppable Jobs", U32, Count, Gauge, "2.2", [P] Sum,
                "Part of `Jobs` that does not keep a stopping process alive, \
                 such as the connection to the master.";
            listeners = "Listeners", U32, Count, Gauge, "2.2", [P] Sum,
                "Listeners open now, stats sockets included.";
            active_peers = "ActivePeers", U32, Count, Gauge, "2.2", [P] Sum,
                "Peers of `peers` sections with an active session.";
            connected_peers = "ConnectedPeers", U32, Count, Gauge, "2.2", [P] Sum,
                "Peers of `peers` sections with an established session.";
            dropped_logs = "DroppedLogs", U32, Count, Gauge, "2.2", [P] Sum,
                "Log messages that could not be sent.";
            // A gauge by its nature, but it only repeats a setting. A sum would hide differences
            // between processes.
            busy_polling = "BusyPolling", U32, Code, Gauge, "2.2", [P] Same,
                "Flag that is 1 if the process polls without sleeping (`busy-polling`), which uses all \
                 its CPU even when idle.";
            failed_resolutions = "FailedResolutions", U32, Count, Gauge, "2.2", [P] Sum,
                "DNS resolutions that failed.";
            total_bytes_out = "TotalBytesOut", U64, Bytes, Gauge, "2.2", [P] Sum,
                "Bytes sent over all connections, including stats sockets; it only grows, although \
                 HAProxy tags it as a gauge.";
            total_splicded_bytes_out = "TotalSplicdedBytesOut", U64, Bytes, Gauge, "2.6", [P] Sum,
                "Part of `TotalBytesOut` that the kernel moved itself (splicing); 2.6 spells the key this \
                 way, later releases `TotalSplicedBytesOut`.";
            total_spliced_bytes_out = "TotalSplicedBytesOut", U64, Bytes, Gauge, "3.0", [P] Sum,
                "Part of `TotalBytesOut` that the kernel moved itself (splicing).";
            bytes_out_rate = "BytesOutRate", U64, BytesPerSecond, Rate, "2.2", [P] Sum,
                "Bytes sent in the last second over all connections, including stats sockets.";
            debug_commands_issued = "DebugCommandsIssued", U32, Count, Gauge, "2.2", [P] Sum,
                "Debugging commands issued that can harm the process; above 0, the process can no longer \
                 be trusted.";
            cum_recv_logs = "CumRecvLogs", U32, Count, Counter, "2.6", [P] Sum,
                "Log messages received by `log-forward` listeners.";
            build_info = "Build info", Text, None, Output, "2.2", [P] Same,
                "Text set by the packager at build time, usually the same as `Version`.";
            memmax_bytes = "Memmax_bytes", U32, Bytes, Limit, "2.6", [P] Limit,
                "Memory the process may use (`-m` on the command line).";
            pool_alloc_bytes = "PoolAlloc_bytes", U64, Bytes, Gauge, "2.6", [P] Sum,
                "Memory allocated by the pools.";
            pool_used_bytes = "PoolUsed_bytes", U64, Bytes, Gauge, "2.6", [P] Sum,
                "Memory of the pools in use.";
            start_time_sec = "Start_time_sec", U32, UnixSeconds, Duration, "2.6", [P] Max,
                "Start time of the process; merged, the start time of the youngest process.";
            tainted = "Tainted", Text, Code, Gauge, "2.6", [P] Same,
                "Hexadecimal flags for events that put the process outside normal support; 0 if there \
                 were none.";
            total_warnings = "TotalWarnings", U32, Count, Counter, "3.0", [P] Sum,
                "Warnings issued by the process, including those about its configuration.";
            maxconn_reached = "MaxconnReached", U32, Count, Counter, "3.0", [P] Sum,
                "Times the process stopped accepting connections because `Maxconn` was reached.";
            boot_time_ms = "BootTime_ms", U32, Milliseconds, Duration, "3.0", [P] Max,
                "Time from reading the configuration until the process was ready.";
            niced_tasks = "Niced_tasks", U32, Count, Gauge, "3.0", [P] Sum,
                "Part of `Run_queue` that does not run at normal priority (`nice`).";
            curr_streams = "CurrStreams", U64, Count, Gauge, "3.0", [P] Sum,
                "Streams open now, including the one of this command.";
            cum_streams = "CumStreams", U64, Count, Gauge, "3.0", [P] Sum,
                "Streams so far: HTTP requests, TCP sessions and commands on stats sockets.";
            blocked_traffic_warnings = "BlockedTrafficWarnings", U32, Count, Gauge, "3.0", [P] Sum,
                "Warnings that traffic was blocked because a task held its thread for too long.";
            patterns_added = "PatternsAdded", U64, Count, Gauge, "3.4", [P] Sum,
                "Entries added to maps and ACLs, including those loaded at the start.";
            patterns_freed = "PatternsFreed", U64, Count, Gauge, "3.4", [P] Sum,
                "Entries removed from maps and ACLs.";
            nb_thread_groups = "NbThreadGroups", U32, Count, Gauge, "3.4", [P] Same,
                "Number of thread groups (`thread-groups`).";
        }
    };
}
pub(crate) use for_each_key;

macro_rules! keys {
    ($(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        [P] $rule:ident, $doc:literal;
    )*) => {
        /// All keys that this crate knows.
        pub const KEYS: &[InfoKey] = &[$(InfoKey {
            name: $name,
            doc: $doc,
            value_type: ValueType::$wire,
            unit: Unit::$unit,
            nature: Nature::$nature,
            since: $since,
            rule: Rule::$rule,
        },)*];

        positions! { Key KEYS InfoKey: $($accessor)* }
    };
}

for_each_key!(keys);

impl Key {
    /// Returns `true` if the value counts events since the start of the process: HAProxy tags it as a
    /// counter, or it only grows although HAProxy tags it as a gauge.
    pub(crate) fn is_counter(self) -> bool {
        let only_grows = matches!(
            self,
            Self::dropped_logs
                | Self::failed_resolutions
                | Self::total_bytes_out
                | Self::total_splicded_bytes_out
                | Self::total_spliced_bytes_out
                | Self::cum_streams
                | Self::patterns_added
                | Self::patterns_freed
        );
        only_grows || self.nature() == Nature::Counter
    }
}

impl Field for Key {
    fn value_type(self) -> ValueType {
        self.declared().value_type
    }

    fn nature(self) -> Nature {
        self.declared().nature
    }

    fn is_shared(self) -> bool {
        false
    }

    fn is_hidden_from_users(self) -> bool {
        false
    }
}
