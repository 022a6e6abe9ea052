module Hotspare
  # The boxes of one group are NAME1, NAME2, … with consecutive addresses. "hotspare boxes prepare" checks the file; here
  # it is only read.
  module Topology
    Box = Struct.new(:name, :host, :services, :server, keyword_init: true)

    module_function

    def file
      File.expand_path(Settings.get("HOTSPARE_TOPOLOGY", "topologyFile", "vagrant/topology.json"), ROOT)
    end

    def data
      @data ||= JSON.parse(File.read(file))
    rescue JSON::ParserError, SystemCallError => e
      raise Problem, "#{file} cannot be read as JSON: #{e.message.lines.first}"
    end

    def boxes
      @boxes ||= data.fetch("groups").flat_map do |group|
        (0...group.fetch("count")).map do |index|
          Box.new(
            name: "#{group.fetch('name')}#{index + 1}",
            host: group.fetch("firstHost") + index,
            services: group.fetch("services"),
            server: index < group.fetch("consulServers", 0),
          )
        end
      end
    rescue KeyError, TypeError, NoMethodError => e
      raise Problem, "#{file}: #{e.message}. \"npx hotspare boxes check\" says what was expected."
    end

    def first_primary
      data.dig("postgres", "firstPrimary")
    end

    # What VirtualBox gives each box, in MB.
    def memory
      said("virtualbox", "memoryMb")
    end

    # Where no other is chosen.
    def bridge
      said("lxc", "bridge")
    end

    def said(*keys)
      data.dig(*keys) || raise(Problem, "#{file} does not say #{keys.join('.')}. \"npx hotspare boxes check\" says what was expected.")
    end
  end

  def self.boxes
    Topology.boxes
  end

  def self.box(name)
    boxes.find { |box| box.name == name.to_s } || raise(Problem, "#{Topology.file} has no box #{name}")
  end

  def self.address(box)
    "#{Settings.subnet}.#{box.host}"
  end
end
