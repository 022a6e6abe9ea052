# What the Vagrantfile uses. Ruby only says what Vagrant must know; all else is done by "hotspare boxes …".
require_relative "ruby/settings"
require_relative "ruby/topology"
require_relative "ruby/programs"
require_relative "ruby/command"
require_relative "ruby/providers"
require_relative "ruby/provisioner"
require_relative "ruby/backup"
require_relative "ruby/triggers"
