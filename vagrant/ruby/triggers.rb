module Hotspare
  # What happens around Vagrant's own actions.
  module Triggers
    module_function

    def add(config)
      config.trigger.before [:up, :provision, :reload] do |trigger|
        trigger.name = "hotspare: check this machine, make what the boxes get"
        trigger.ruby { |_, machine| prepare(machine) }
      end
      config.trigger.after [:up, :provision, :reload] do |trigger|
        trigger.name = "hotspare: access control, health"
        trigger.ruby { |_, machine| finish(machine) }
      end
      config.trigger.before :destroy do |trigger|
        trigger.name = "hotspare: keep the database"
        trigger.ruby { |_, machine| Backup.keep(machine) }
      end
      config.trigger.after :destroy do |trigger|
        trigger.name = "hotspare: forget the box"
        trigger.ruby { |_, machine| forget(machine) }
      end
    end

    # Once a call of Vagrant, before the first box is touched.
    def prepare(machine)
      prune(machine)
      return if @prepared

      states = Hotspare.boxes.map { |box| [box.name, state_of(machine, box)] }
      Command.run(machine.ui, "prepare", "--provider", machine.provider_name.to_s,
                  "--boxes", states.map { |name, state| "#{name}=#{state}" }.join(","))
      @prepared = true
    end

    # A box that was up already when the topology changed is brought up to date.
    def finish(machine)
      return unless machine.state.id == :running

      machine.action(:provision) unless @provisioning || Payload.of(machine.name).applied?
      running = Hotspare.boxes.select { |box| state_of(machine, box) == "running" }
      return unless Hotspare.boxes.select(&:server).all? { |box| running.include?(box) }

      Command.run(machine.ui, "settle", "--running", running.map(&:name).join(","))
    end

    def forget(machine)
      Payload.of(machine.name).forget! if machine.id.nil? && File.exist?(STATE)
    rescue Problem
      nil
    end

    def state_of(machine, box)
      other = machine.env.machine(box.name.to_sym, machine.provider_name)
      return "absent" if other.id.nil?

      other.state.id == :running ? "running" : "stopped"
    end

    # vagrant-lxc run by root adds its block to the container's configuration at every start and never removes one.
    def prune(machine)
      return unless machine.provider_name == :lxc && machine.id

      script = File.join(ROOT, "vagrant", "lxc", "prune-config")
      system(script, machine.id) if File.executable?(script)
    end
  end
end
