variable "postrender_path" {
  description = "binary_path of postrender, as helm --post-renderer"
  default     = ""
}
variable "prod" {}
