require "open3"

module Hotspare
  # Runs "hotspare boxes …" on the host and shows what it says.
  module Command
    # Saves asking the "vagrant" command, which takes a second.
    ENVIRONMENT = { "HOTSPARE_VAGRANT_VERSION" => Vagrant::VERSION }.freeze

    module_function

    def run(ui, *arguments)
      status = Open3.popen2e(ENVIRONMENT, *line(arguments), chdir: ROOT) do |input, output, thread|
        input.close
        output.each_line { |line| ui.detail(line.chomp) }
        thread.value
      end
      raise Problem, "nothing was changed: see above" if arguments.first == "prepare" && status.exitstatus == 2
      raise Problem, "\"hotspare boxes #{arguments.first}\" failed: see above" unless status.success?
    end

    # What it prints; what it has to remark goes to the terminal.
    def ask(*arguments)
      answer, status = Open3.capture2(ENVIRONMENT, *line(arguments), chdir: ROOT, stdin_data: "")
      raise Problem, "\"hotspare boxes #{arguments.first}\" failed: see above" unless status.success?

      answer.strip
    end

    def line(arguments)
      [node, File.join(ROOT, "bin", "hotspare.mjs"), "boxes", *arguments, "--state", STATE]
    end

    def node
      ENV["PATH"].split(File::PATH_SEPARATOR).map { |folder| File.join(folder, Gem.win_platform? ? "node.exe" : "node") }
        .find { |file| File.executable?(file) } ||
        raise(Problem, "Node.js #{Programs.said("nodeMinimum")} or newer is needed on this machine, to build what the boxes get: https://nodejs.org/")
    end
  end
end
