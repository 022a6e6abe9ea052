require "monitor"

module Hotspare
  # What happens around Vagrant's own actions.
  module Triggers
    module_function

    def add(config)
      config.trigger.before [:up, :provision, :reload] do |trigger|
        trigger.name = "hotspare: check this machine, make what the boxes get"
        trigger.ruby { |_, machine| prepare(machine) }
      end
      config.trigger.after [:up, :reload] do |trigger|
        trigger.name = "hotspare: access control, health"
        trigger.ruby { |_, machine| finish(machine) }
      end
      config.trigger.after :provision do |trigger|
        trigger.name = "hotspare: access control, health"
        trigger.ruby { |_, machine| finish(machine, "--quiet") }
      end
      config.trigger.before :destroy do |trigger|
        trigger.name = "hotspare: keep the database"
        trigger.ruby { |_, machine| keep(machine) }
      end
      config.trigger.before [:halt, :destroy] do |trigger|
        trigger.name = "hotspare: shut down"
        trigger.ruby { |_, machine| shut_down(machine) }
      end
      config.trigger.after :destroy do |trigger|
        trigger.name = "hotspare: forget the box"
        trigger.ruby { |_, machine| forget(machine) }
      end
    end

    # Providers may bring boxes up side by side.
    LOCK = Monitor.new
    # Names of the boxes this call of Vagrant has brought up.
    DONE = []

    # Once a call of Vagrant, before the first box is touched.
    def prepare(machine)
      prune(machine)
      LOCK.synchronize do
        @prepared ||= attempt do
          states = Hotspare.boxes.map { |box| "#{box.name}=#{state_of(machine, box)}" }
          Command.run(machine.ui, "prepare", "--provider", machine.provider_name.to_s, "--boxes", states.join(","))
        end
      end
      raise @prepared if @prepared.is_a?(Problem)
    end

    # What went wrong for one box would go wrong for all: it is tried, and shown, once.
    def attempt
      yield
      true
    rescue Problem => e
      e
    end

    # The last box of the call does what concerns all of them.
    def finish(machine, *options)
      return if Thread.current[:hotspare_updating] || ARGV.include?("--no-provision") || machine.provider.state.id != :running

      await_primary(machine)
      LOCK.synchronize do
        bring_up_to_date(machine)
        DONE.push(machine.name.to_s)
        running = Hotspare.boxes.map(&:name).select { |name| state_of(machine, Hotspare.box(name)) == "running" }
        return unless (wanted & running - DONE).empty?
        missing = Hotspare.boxes.select(&:server).map(&:name) - running
        return machine.ui.warn("Consul waits for its servers: vagrant up #{missing.join(' ')}") unless missing.empty?

        Command.run(machine.ui, "settle", "--running", running.join(","), *options)
      end
    end

    # A box that was up already when the topology changed; one after the other, so that not all restart at once.
    def bring_up_to_date(machine)
      return if Payload.of(machine.name).applied?

      Thread.current[:hotspare_updating] = true
      machine.action(:provision)
    ensure
      Thread.current[:hotspare_updating] = nil
    end

    # A replica is cloned from the first primary, so where both are still to be provisioned, that comes first.
    def await_primary(machine)
      primary = Topology.first_primary
      return if machine.name.to_s == primary || !Hotspare.box(machine.name).services.include?("pg")

      240.times do
        break if DONE.include?(primary) || !wanted.include?(primary) || Payload.of(machine.name).applied?
        sleep 0.5
      end
    end

    # The boxes this call of Vagrant is about: those named on its command line, or all.
    def wanted
      names = Hotspare.boxes.map(&:name)
      (names & ARGV).empty? ? names : names & ARGV
    end

    # All are asked before the first is destroyed.
    def keep(machine)
      LOCK.synchronize do
        @checked ||= attempt { Backup.check(wanted.map { |name| machine.env.machine(name.to_sym, machine.provider_name) }) }
      end
      raise @checked if @checked.is_a?(Problem)

      Backup.keep(machine)
    end

    # After a destruction, or after the answer was no.
    def forget(machine)
      return Backup.release(machine) if machine.id

      Payload.of(machine.name).forget! if File.exist?(STATE)
    rescue Problem
      nil
    end

    # vagrant-lxc asks by SSH and then looks once a while; now and then it waits for a minute. A box that is about to be
    # destroyed may still be kept by an answer to Vagrant's question, so only with --force.
    def shut_down(machine)
      return unless machine.provider_name == :lxc && machine.id && machine.provider.state.id == :running
      return if ARGV.include?("destroy") && (ARGV & ["-f", "--force"]).empty?

      system("lxc-stop", "--name", machine.id, "--timeout", "20")
    end

    def state_of(machine, box)
      other = machine.env.machine(box.name.to_sym, machine.provider_name)
      return "absent" if other.id.nil?

      # VirtualBox has another word for it.
      { running: "running", frozen: "frozen", paused: "frozen" }.fetch(other.provider.state.id, "stopped")
    end

    # vagrant-lxc run by root adds its block to the container's configuration at every start and never removes one.
    def prune(machine)
      return unless machine.provider_name == :lxc && machine.id

      script = File.join(ROOT, "vagrant", "lxc", "prune-config")
      system(script, machine.id) if File.executable?(script)
    end
  end
end
