module Hotspare
  # Destroying boxes loses nothing unasked: the database is dumped first, into backups/ beside the Vagrantfile; the next
  # primary made from nothing takes the newest dump.
  module Backup
    FOLDER = File.expand_path(ENV["HOTSPARE_BACKUPS"] || "backups", ROOT).freeze
    REMOTE = "/var/tmp/hotspare-dump".freeze

    module_function

    def wanted?
      ENV["HOTSPARE_KEEP_DATA"] != "no"
    end

    # Before `machine` goes.
    def keep(machine)
      return unless Hotspare.box(machine.name).services.include?("pg") && machine.id
      return machine.ui.warn("HOTSPARE_KEEP_DATA=no: the database of #{machine.name} is not kept.") unless wanted?

      cannot(machine, "is #{machine.provider.state.short_description}") unless machine.provider.state.id == :running
      role = role_of(machine)
      # A replica has nothing of its own, as long as its primary is there to be asked.
      return if role == :replica && others_running?(machine)

      cannot(machine, "has a Postgres that does not answer") if role == :unknown
      dump(machine)
    end

    def role_of(machine)
      answer = +""
      sql = "SELECT pg_is_in_recovery()"
      command = "runuser -u postgres -- timeout 10 psql -X -A -t -d postgres -c '#{sql}'"
      code = machine.communicate.sudo(command, error_check: false) { |type, data| answer << data if type == :stdout }
      return :unknown unless code.zero?

      answer.strip == "t" ? :replica : :primary
    end

    def others_running?(machine)
      Hotspare.boxes.any? do |box|
        next false unless box.services.include?("pg") && box.name != machine.name.to_s

        other = machine.env.machine(box.name.to_sym, machine.provider_name)
        other.id && other.provider.state.id == :running && role_of(other) == :primary
      end
    end

    def dump(machine)
      FileUtils.mkdir_p(FOLDER, mode: 0o700)
      file = File.join(FOLDER, "todo-#{Time.now.utc.strftime('%Y%m%dT%H%M%SZ')}.dump")
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

    def cannot(machine, why)
      raise Problem, "#{machine.name} #{why}, so its database cannot be kept; nothing was destroyed. " \
                     "Start it (vagrant up #{machine.name}), or give the data up: HOTSPARE_KEEP_DATA=no vagrant destroy"
    end
  end
end
