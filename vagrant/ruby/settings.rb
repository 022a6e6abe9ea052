require "json"

module Hotspare
  ROOT = File.expand_path("../..", __dir__)
  # Beside what Vagrant itself keeps of these boxes.
  STATE = File.expand_path(File.join(ENV["VAGRANT_DOTFILE_PATH"] || ".vagrant", "hotspare"), ROOT)

  # A mistake of the person in front of the terminal: shown as a sentence, without a trace.
  class Problem < Vagrant::Errors::VagrantError
    def initialize(message)
      @text = message
      super()
    end

    def error_message
      @text
    end
  end

  module Settings
    module_function

    # The environment first, then what an earlier call remembered, then the default; a variable that is set and empty goes
    # back to the default. The same as in vagrant/settings.ts, which also checks and remembers.
    def get(variable, key, default)
      value = ENV.key?(variable) ? ENV[variable] : remembered[key]
      value.nil? || value.empty? ? default : value
    end

    def subnet
      @subnet ||= get("HOTSPARE_SUBNET", "subnet", nil) || default_subnet
    end

    # VirtualBox may refuse the usual addresses: then others are taken, once, and remembered.
    def default_subnet
      return Topology.data.dig("subnets", "vagrant") unless ARGV.include?("up") && provider == "virtualbox"

      Command.ask("subnet", "--provider", provider)
    end

    # As far as it can be told before Vagrant has chosen.
    def provider
      at = ARGV.index("--provider")
      named = ARGV.find { |argument| argument.start_with?("--provider=") }
      (at && ARGV[at + 1]) || named&.delete_prefix("--provider=") || ENV["VAGRANT_DEFAULT_PROVIDER"] || "virtualbox"
    end

    def container_prefix
      get("HOTSPARE_LXC_PREFIX", "containerPrefix", "")
    end

    def bridge
      get("HOTSPARE_LXC_BRIDGE", "bridge", nil) || Topology.bridge
    end

    # Where dumps go.
    def backups
      File.expand_path(get("HOTSPARE_BACKUPS", "backups", "backups"), ROOT)
    end

    # Tells this set's dumps from others' in the same folder: todo-SET-TIME.dump. The same in vagrant/prepare/dumps.ts.
    def dump_set
      "#{container_prefix}#{subnet}"
    end

    # As long as nobody says otherwise, boxes are made as those before: "vagrant up" after a set of containers makes
    # containers.
    def keep_provider
      ENV["VAGRANT_DEFAULT_PROVIDER"] ||= remembered["provider"]
    end

    def remembered
      file = File.join(STATE, "settings.json")
      File.exist?(file) ? JSON.parse(File.read(file)) : {}
    rescue JSON::ParserError
      raise Problem, "#{file} is not readable JSON. Remove it and give HOTSPARE_SUBNET again, if you had changed it."
    end
  end

  Settings.keep_provider
end
