require "shellwords"

module Hotspare
  # Sends a box what "hotspare boxes prepare" made for it, and has it run there. Repeatable.
  class Provisioner < Vagrant.plugin("2", :provisioner)
    INBOX = "/var/tmp/hotspare-inbox".freeze
    PAYLOAD = "/var/tmp/hotspare".freeze
    # Held by provision.sh and what it runs.
    LOCK = "/run/hotspare-provision.lock".freeze

    def provision
      payload = Payload.of(machine.name)
      machine.communicate.execute("rm -rf #{INBOX} && install -d -m 700 #{INBOX}")
      send_file(payload.archive, "payload.tar.gz")
      send_file(payload.package, "hotspare.tgz") unless has_package?(payload)
      send_file(payload.node, "node.tgz") if payload.node && !node?(payload)
      run(<<~SCRIPT)
        set -e
        # The run of a Vagrant that was killed goes on in the box by itself: this one takes over.
        for process in /proc/[0-9]*; do
          ! ls -l "$process/fd" 2>/dev/null | grep -q #{LOCK}'$' || kill "${process#/proc/}" 2>/dev/null || true
        done
        rm -rf #{PAYLOAD}
        install -d -m 700 #{PAYLOAD}
        tar -xzf #{INBOX}/payload.tar.gz -C #{PAYLOAD} --no-same-owner
        for file in hotspare.tgz node.tgz; do [ ! -e #{INBOX}/$file ] || mv #{INBOX}/$file #{PAYLOAD}/; done
        rm -rf #{INBOX}
        trap 'rm -rf #{PAYLOAD}' EXIT
        bash #{PAYLOAD}/provision.sh #{concerns.shelljoin}
      SCRIPT
      # What was left out is still to be done.
      payload.applied! if concerns.empty?
    end

    private

    def send_file(from, name)
      machine.communicate.upload(from, "#{INBOX}/#{name}")
    end

    def has_package?(payload)
      machine.communicate.test("test -d #{payload.release.shellescape}", sudo: true)
    end

    # Those wished for; none: all of the box's.
    def concerns
      ENV["HOTSPARE_CONCERNS"].to_s.split
    end

    # Whether the box has a Node that is new enough.
    def node?(payload)
      said = +""
      code = machine.communicate.execute("#{payload.node_program.shellescape} --version", error_check: false) do |type, data|
        said << data if type == :stdout
      end
      version = said.strip.delete_prefix("v")
      code.zero? && Gem::Version.correct?(version) && Gem::Version.new(version) >= Gem::Version.new(payload.node_minimum)
    end

    def run(script)
      partial = +""
      code = machine.communicate.sudo(script, error_check: false) do |_, data|
        partial << data
        while (line = partial.slice!(/\A.*\n/)) do machine.ui.detail(line.chomp) end
      end
      machine.ui.detail(partial) unless partial.empty?
      raise Problem, "#{machine.name} was not provisioned: see above. Try again with: vagrant provision #{machine.name}" unless code.zero?
    end
  end

  # What was made for a box, and what it was given last.
  Payload = Struct.new(:name, :digest, :release, :archive, :package, :node, :node_program, :node_minimum,
                       keyword_init: true) do
    def self.of(name)
      file = File.join(STATE, "payload", "#{name}.json")
      raise Problem, "there is nothing to provision #{name} with; \"vagrant up #{name}\" makes it" unless File.exist?(file)
      data = JSON.parse(File.read(file))
      new(name: name.to_s, digest: data["digest"], release: data["release"],
          archive: data["archive"], package: data["package"], node: data["node"],
          node_program: data["nodeProgram"], node_minimum: data["nodeMinimum"])
    end

    def applied?
      File.exist?(stamp) && File.read(stamp) == digest
    end

    def applied!
      FileUtils.mkdir_p(File.dirname(stamp))
      File.write(stamp, digest)
    end

    def forget!
      FileUtils.rm_f(stamp)
    end

    private

    def stamp
      File.join(STATE, "applied", name)
    end
  end

  class Plugin < Vagrant.plugin("2")
    name "hotspare"
    description "Provisions the boxes of a hotspare topology"
    provisioner(:hotspare) { Provisioner }
  end
end
