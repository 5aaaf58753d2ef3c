//! `#[plugin]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, LitStr, Result, ReturnType, Token, Type, bracketed, parenthesized};
use windlass_abi::capabilities::{Capability, Request, TABLE};
use windlass_abi::config::nearest;

use crate::names::upper_camel_case;

pub(crate) fn expand(arguments: TokenStream, function: TokenStream) -> Result<TokenStream> {
    let arguments = Arguments::parse.parse2(arguments)?;
    let function: ItemFn = syn::parse2(function)
        .map_err(|error| Error::new(error.span(), "`#[plugin]` belongs to a function: `fn name(settings: Settings, manifests: &mut Manifests) -> Result<(), Error>`"))?;
    let signature = Signature::of(&function)?;

    let name = &function.sig.ident;
    let visibility = &function.vis;
    let plugin = format_ident!("{}", upper_camel_case(&name.to_string()), span = name.span());
    let settings = signature.settings;
    let takes_args = signature.takes_args;
    let call = if takes_args { quote!(#name(settings, manifests, args)) } else { quote!(#name(settings, manifests)) };
    let asks = arguments.asks.iter().map(|ask| ask.tokens(false));
    let may_use = arguments.may_use.iter().map(|ask| ask.tokens(true));
    let (per_object, graft) = (arguments.per_object, arguments.graft);
    let text = |given: &Option<LitStr>, variable: &str| match given {
        Some(literal) => quote!(#literal),
        None => quote!(::core::env!(#variable)),
    };
    let plugin_name = text(&arguments.name, "CARGO_PKG_NAME");
    let version = text(&arguments.version, "CARGO_PKG_VERSION");
    let description = text(&arguments.description, "CARGO_PKG_DESCRIPTION");
    let license = text(&arguments.license, "CARGO_PKG_LICENSE");
    let source = text(&arguments.source, "CARGO_PKG_REPOSITORY");
    let plugin_doc = format!("The plugin made of [`{name}`].");

    // Evaluated by the compiler, which then points at the type.
    let check_settings =
        quote_spanned!(settings.span()=> const _: () = <#plugin as ::windlass_pdk::Plugin>::METADATA.check(););

    Ok(quote! {
        #function

        #[doc = #plugin_doc]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #plugin;

        impl ::windlass_pdk::Plugin for #plugin {
            type Settings = #settings;

            const METADATA: ::windlass_pdk::Metadata = ::windlass_pdk::Metadata {
                name: #plugin_name,
                version: #version,
                description: #description,
                license: #license,
                source: #source,
                asks: &[#(#asks,)* #(#may_use),*],
                per_object: #per_object,
                graft: #graft,
                settings: <#settings as ::windlass_pdk::Config>::SCHEMA,
            };

            const TAKES_ARGS: bool = #takes_args;

            fn run(
                settings: Self::Settings,
                manifests: &mut ::windlass_pdk::Manifests,
                args: &[::std::string::String],
            ) -> ::core::result::Result<(), ::windlass_pdk::Error> {
                let _ = args;
                #call
            }
        }

        #check_settings

        // The module's exports. `unsafe` because an exported name must be the only one of its kind in the module: one
        // crate holds one plugin.
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            use ::windlass_pdk::Plugin as _;

            #[unsafe(no_mangle)]
            extern "C" fn helm_plugin_main() -> i32 {
                ::windlass_pdk::entry::helm_plugin_main::<#plugin>()
            }

            #[unsafe(no_mangle)]
            extern "C" fn windlass_alloc(length: i32) -> i32 {
                ::windlass_pdk::entry::alloc(length)
            }

            #[unsafe(no_mangle)]
            extern "C" fn windlass_render(stream: i32, stream_length: i32, args: i32, args_length: i32) -> i64 {
                ::windlass_pdk::entry::raw_render::<#plugin>(stream, stream_length, args, args_length)
            }

            #[used]
            #[unsafe(link_section = "windlass.plugin")]
            static SECTION: [u8; #plugin::METADATA.section_length()] = #plugin::METADATA.section();
        };
    })
}

/// What the function's own text tells.
struct Signature<'f> {
    settings: &'f Type,
    takes_args: bool,
}

impl<'f> Signature<'f> {
    fn of(function: &'f ItemFn) -> Result<Self> {
        let signature = &function.sig;
        if let Some(token) = &signature.asyncness {
            return Err(Error::new(token.span(), "a plugin's function is not async: nothing in a module could wait"));
        }
        if let Some(parameter) = signature.generics.params.first() {
            return Err(Error::new(parameter.span(), "a plugin's function has no generic parameters"));
        }
        if let ReturnType::Default = signature.output {
            return Err(Error::new(
                signature.paren_token.span.close(),
                "a plugin's function returns `Result<(), Error>`",
            ));
        }
        let types = signature
            .inputs
            .iter()
            .map(|input| match input {
                FnArg::Typed(typed) => Ok(typed.ty.as_ref()),
                FnArg::Receiver(receiver) => Err(Error::new(receiver.span(), "a plugin's function is not a method")),
            })
            .collect::<Result<Vec<_>>>()?;
        match types.as_slice() {
            [settings, manifests] | [settings, manifests, _] => {
                if let Type::Reference(reference) = settings {
                    return Err(Error::new(
                        reference.span(),
                        "the first parameter is the settings themselves, not a reference",
                    ));
                }
                if !matches!(manifests, Type::Reference(reference) if reference.mutability.is_some()) {
                    return Err(Error::new(manifests.span(), "the second parameter is `&mut Manifests`"));
                }
                Ok(Signature { settings, takes_args: types.len() == 3 })
            }
            _ => Err(Error::new(
                signature.paren_token.span.join(),
                "a plugin's function takes its settings, `&mut Manifests` and, if it wants them, extra arguments: `&[String]`",
            )),
        }
    }
}

#[derive(Default)]
struct Arguments {
    asks: Vec<Ask>,
    may_use: Vec<Ask>,
    per_object: bool,
    graft: bool,
    name: Option<LitStr>,
    version: Option<LitStr>,
    description: Option<LitStr>,
    license: Option<LitStr>,
    source: Option<LitStr>,
}

const KNOWN: [&str; 9] =
    ["asks", "may_use", "per_object", "graft", "name", "version", "description", "license", "source"];

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Arguments::default();
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            let word = key.to_string();
            if seen.contains(&word) {
                return Err(Error::new(key.span(), format!("`{word}` is given twice")));
            }
            match word.as_str() {
                "per_object" => arguments.per_object = true,
                "graft" => arguments.graft = true,
                "asks" => arguments.asks = asks(input)?,
                "may_use" => arguments.may_use = asks(input)?,
                "name" => arguments.name = Some(plugin_name(input)?),
                "version" => arguments.version = Some(text(input)?),
                "description" => arguments.description = Some(text(input)?),
                "license" => arguments.license = Some(text(input)?),
                "source" => arguments.source = Some(text(input)?),
                _ => {
                    let hint = match nearest(&word, KNOWN) {
                        Some(known) => format!("did you mean `{known}`?"),
                        None => format!("known: {}", KNOWN.join(", ")),
                    };
                    return Err(Error::new(key.span(), format!("unknown argument `{word}`; {hint}")));
                }
            }
            seen.push(word);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

fn asks(input: ParseStream<'_>) -> Result<Vec<Ask>> {
    input.parse::<Token![=]>()?;
    let content;
    bracketed!(content in input);
    Ok(Punctuated::<Ask, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

fn text(input: ParseStream<'_>) -> Result<LitStr> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// A name that Helm's plugin.yaml accepts.
fn plugin_name(input: ParseStream<'_>) -> Result<LitStr> {
    let literal = text(input)?;
    let name = literal.value();
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_valid) {
        return Err(Error::new(literal.span(), "Helm's plugin names have letters, digits, `-` and `_` only"));
    }
    Ok(literal)
}

/// `net("registry.example:443", "why")`, or `net(any, "why")` where only the configuration tells the value.
struct Ask {
    capability: Capability,
    value: String,
    why: String,
}

impl Parse for Ask {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let word: Ident = input.parse()?;
        let Some(capability) = Capability::from_word(&word.to_string()) else {
            let words: Vec<&str> = TABLE.iter().map(|row| row.word).collect();
            return Err(Error::new(word.span(), format!("unknown capability `{word}`; known: {}", words.join(", "))));
        };
        let example = match capability.row().example {
            // Of a folder the plugin says only its own side.
            Some(example) => {
                format!("{word}(\"{}\", \"why the plugin needs it\")", example.split('=').next().unwrap_or(example))
            }
            None => format!("{word}(\"why the plugin needs it\")"),
        };
        if !input.peek(syn::token::Paren) {
            return Err(Error::new(word.span(), format!("say what and why: `{example}`")));
        }
        let content;
        let parentheses = parenthesized!(content in input);
        let is_any = content.peek(syn::Ident) && content.fork().parse::<Ident>()? == "any";
        if is_any {
            content.parse::<Ident>()?;
            content.parse::<Token![,]>()?;
        }
        let texts: Vec<LitStr> = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?.into_iter().collect();
        let (value, why) = match (capability.row().value, texts.as_slice()) {
            (Some(_), [value, why]) if !is_any => (Some(value), why),
            (None, [why]) => (None, why),
            (Some(_), [why]) if is_any => (None, why),
            _ => return Err(Error::new(parentheses.span.join(), format!("say what and why: `{example}`"))),
        };
        if why.value().trim().is_empty() {
            return Err(Error::new(why.span(), "say why: the person who grants it reads this"));
        }
        let text = value.map(LitStr::value).unwrap_or_default();
        let request = match value {
            None => Request::parse_metadata(capability, ""),
            Some(_) => Request::parse(capability, &text),
        }
        .map_err(|error| Error::new(value.map_or(word.span(), |value| value.span()), error.to_string()))?;
        Ok(Ask { capability, value: request.to_string(), why: why.value() })
    }
}

impl Ask {
    fn tokens(&self, is_optional: bool) -> TokenStream {
        let (capability, value, why) = (self.capability.word(), &self.value, &self.why);
        quote!(::windlass_pdk::Ask {
            capability: #capability, value: #value, why: #why, is_optional: #is_optional
        })
    }
}
