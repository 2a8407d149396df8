plugin "terraform" {
  enabled = true
  preset  = "all"
}

# The resources are in main.tf.json, and an example is one file.
rule "terraform_standard_module_structure" {
  enabled = false
}

# Addresses are made of the functions' and stages' own names, some of which have hyphens.
rule "terraform_naming_convention" {
  enabled = false
}
