module Hotspare
  # How a box is made, by provider.
  module Providers
    module_function

    def virtualbox(provider, override, box)
      override.vm.box = Programs.said("virtualboxImage")
      override.vm.hostname = box.name
      override.vm.network "private_network", ip: Hotspare.address(box)
      provider.name = "hotspare-#{box.name}-#{Settings.subnet}"
      provider.memory = Topology.memory
      provider.cpus = 1
      provider.linked_clone = true
    end

    def lxc(provider, override, box)
      override.vm.box = Programs.said("lxcImage")
      # The well-known key is of use only on a bridge without a way in from outside.
      override.ssh.insert_key = false
      # The boxes are on the host's own bridge.
      override.vm.network "forwarded_port", id: "ssh", guest: 22, host: 2222, disabled: true
      provider.container_name = "#{Settings.container_prefix}#{box.name}"
      provider.backingstore = "dir"
      provider.ssh_ip_addr = Hotspare.address(box)
      # Its own private networks do not work with LXC 5. "type" must come first.
      network(box).each { |key, value| provider.customize(key, value) }
      provider.customize "uts.name", box.name
    end

    def network(box)
      address = Hotspare.address(box)
      {
        "net.0.type" => "veth",
        "net.0.link" => Settings.bridge,
        "net.0.flags" => "up",
        "net.0.name" => "eth0",
        "net.0.veth.pair" => "ve-#{Settings.container_prefix}#{box.name}",
        # A fixed one: others on the bridge would look for the old one for a quarter of a minute after each start.
        "net.0.hwaddr" => format("00:16:3e:%02x:%02x:%02x", *address.split(".").last(3).map(&:to_i)),
        "net.0.ipv4.address" => "#{address}/24 #{Settings.subnet}.255",
      }
    end
  end
end
