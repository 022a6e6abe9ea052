module Hotspare
  # What real boxes are made of: provision/site/programs.ts says it once for all languages.
  module Programs
    FILE = File.join(ROOT, "provision", "site", "programs.ts").freeze

    module_function

    def said(name)
      File.read(FILE)[/^export const #{name} = '?([^';]+)'?;$/, 1] ||
        raise(Problem, "#{FILE} does not say #{name}. Mend: get hotspare anew.")
    end
  end
end
