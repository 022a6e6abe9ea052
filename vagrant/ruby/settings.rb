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

    # The environment first, then what an earlier call remembered ("hotspare boxes prepare" writes it), then the default.
    def get(variable, key, default)
      value = ENV[variable]
      value = remembered[key] if value.nil? || value.empty?
      value.nil? ? default : value
    end

    def subnet
      get("HOTSPARE_SUBNET", "subnet", Topology.data.dig("subnets", "vagrant"))
    end

    def container_prefix
      get("HOTSPARE_LXC_PREFIX", "containerPrefix", "")
    end

    def bridge
      get("HOTSPARE_LXC_BRIDGE", "bridge", "hotspare0")
    end

    def remembered
      file = File.join(STATE, "settings.json")
      File.exist?(file) ? JSON.parse(File.read(file)) : {}
    rescue JSON::ParserError
      raise Problem, "#{file} is not readable JSON. Remove it and give HOTSPARE_SUBNET again, if you had changed it."
    end
  end
end
