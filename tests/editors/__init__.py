"""Stories in real editors. They run where the editor is installed; `install/` says how."""
