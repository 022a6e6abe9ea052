require "fileutils"

module Hotspare
  # Destroying boxes loses nothing unasked: the database is dumped first, into backups/ beside the Vagrantfile; the next
  # primary made from nothing takes the newest dump.
  module Backup
    REMOTE = "/var/tmp/hotspare-dump".freeze

    module_function

    def wanted?
      ENV["HOTSPARE_KEEP_DATA"] != "no"
    end

    def database?(machine)
      Hotspare.box(machine.name).services.include?("pg") && !machine.id.nil?
    end

    # Before the first box of the call goes: whether all that hold data can give it.
    def check(machines)
      return unless wanted?

      machines.select { |machine| database?(machine) }.each do |machine|
        state = machine.provider.state
        cannot(machine, "is #{state.short_description}") unless state.id == :running
        cannot(machine, "has a Postgres that does not answer") if role_of(machine) == :unknown
      end
    end

    # Before `machine` goes.
    def keep(machine)
      return unless database?(machine)
      return machine.ui.warn("HOTSPARE_KEEP_DATA=no: the database of #{machine.name} is not kept.") unless wanted?

      # A replica that follows has nothing of its own.
      return if role_of(machine) == :follower && primary_elsewhere?(machine)

      dump(machine)
    end

    # Undoes what `keep` did to a box that was not destroyed after all.
    def release(machine)
      return unless database?(machine) && machine.provider.state.id == :running && role_of(machine) == :primary

      psql(machine, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
    end

    # :primary, :follower (a replica that streams), :replica, or :unknown
    def role_of(machine)
      answer, code = psql(machine, <<~SQL.tr("\n", " "))
        SELECT CASE WHEN NOT pg_is_in_recovery() THEN 'primary'
                    WHEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN 'follower'
                    ELSE 'replica' END
      SQL
      code.zero? ? answer.strip.to_sym : :unknown
    end

    def primary_elsewhere?(machine)
      Hotspare.boxes.any? do |box|
        next false unless box.services.include?("pg") && box.name != machine.name.to_s

        other = machine.env.machine(box.name.to_sym, machine.provider_name)
        other.id && other.provider.state.id == :running && role_of(other) == :primary
      end
    end

    def dump(machine)
      stop_writes(machine) if role_of(machine) == :primary
      FileUtils.mkdir_p(Settings.backups, mode: 0o700)
      file = File.join(Settings.backups, "todo-#{Settings.dump_set}-#{Time.now.utc.strftime('%Y%m%dT%H%M%SZ')}.dump")
      user = machine.ssh_info[:username]
      code = machine.communicate.sudo(<<~SCRIPT, error_check: false)
        set -e
        rm -f #{REMOTE}
        install -m 600 -o #{user} /dev/null #{REMOTE}
        runuser -u postgres -- timeout 600 pg_dump -d todo -F c > #{REMOTE}
      SCRIPT
      cannot(machine, "did not give a dump") unless code.zero?
      machine.communicate.download(REMOTE, "#{file}.part")
      machine.communicate.sudo("rm -f #{REMOTE}")
      File.chmod(0o600, "#{file}.part")
      File.rename("#{file}.part", file)
      machine.ui.success("The database is kept in #{file}; the next \"vagrant up\" restores it.")
    end

    # What is written after the dump would be lost, also while Vagrant waits for an answer. Begun transactions may end.
    def stop_writes(machine)
      psql(machine, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
      writers = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
      20.times do
        sleep 0.25
        answer, code = psql(machine, writers)
        return if code.zero? && answer.strip == "0"
      end
      machine.ui.warn("A transaction that has been writing for five seconds is not in the dump.")
    end

    def psql(machine, *statements)
      answer = +""
      commands = statements.map { |sql| "-c \"#{sql}\"" }.join(" ")
      command = "runuser -u postgres -- timeout 10 psql -X -A -t -q -d postgres #{commands}"
      code = machine.communicate.sudo(command, error_check: false) { |type, data| answer << data if type == :stdout }
      [answer, code]
    rescue Vagrant::Errors::VagrantError
      ["", 255]
    end

    def cannot(machine, why)
      raise Problem, "#{machine.name} #{why}, so its database cannot be kept; #{machine.name} was not destroyed. " \
                     "Start it (vagrant up #{machine.name}), or give the data up: HOTSPARE_KEEP_DATA=no vagrant destroy"
    end
  end
end
