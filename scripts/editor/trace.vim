" Vim syntax for the scripts of trace(8), *.bt. Copy to ~/.vim/syntax/bt.vim, and to ~/.vim/ftdetect/bt.vim the line
"   autocmd BufRead,BufNewFile *.bt setfiletype bt

if exists('b:current_syntax')
  finish
endif

syntax keyword btStatement   break continue return let config import macro
syntax keyword btConditional if else comptime
syntax keyword btRepeat      for while unroll
syntax keyword btStructure   struct union enum typedef
syntax keyword btOperator    sizeof offsetof typeof
syntax keyword btBoolean     true false
syntax match   btType        /\<\%(u\?int\%(8\|16\|32\|64\)\|bool\|string\|buffer\|void\|char\|short\|long\|[us]\%(8\|16\|32\|64\)\|\h\w*_t\)\>/
syntax match   btFunction    /\<\h\w*\ze\s*(/
syntax match   btVariable    /\$\h\w*/
syntax match   btParameter   /\$\%(\d\+\|#\)/
syntax match   btMap         /@\h\w*\|@/
syntax match   btNumber      /\<\%(0x\x[0-9a-fA-F_]*\|\d[0-9_]*\%(e\d\+\)\?\)\%(ns\|us\|ms\|[smhd]\|u\?ll\?\|ul\?\)\?\>/
syntax match   btDirective   /^\s*#\s*\%(include\|define\|if\|ifdef\|ifndef\|else\|endif\).*$/ contains=btString,btComment
syntax match   btShebang     /\%^#!.*/
syntax match   btProbe       /^\s*\%(\h\w*=\)\?\%(begin\|end\|BEGIN\|END\)\>/
syntax match   btProbe       /^\s*\%(\h\w*=\)\?\h\w*:\%(\/[^ \t{,]\+\|[^ \t{,/]\+\)/
syntax match   btEscape      /\\\%([ntr\\"]\|\o\{1,3}\|x\x\{1,2}\)/ contained
syntax match   btConversion  /%[-0 #+]*\d*\%(\.\d\+\)\?\%(hh\|h\|ll\|l\|j\|z\)\?\%([dioucsxXp%]\|r[xh]\?\|gr\)/ contained
syntax region  btString      start=/"/ skip=/\\./ end=/"/ contains=btEscape,btConversion
syntax keyword btTodo        TODO FIXME XXX NOTE contained
syntax match   btComment     +//.*$+ contains=btTodo
syntax region  btComment     start=+/\*+ end=+\*/+ contains=btTodo

highlight default link btStatement   Statement
highlight default link btConditional Conditional
highlight default link btRepeat      Repeat
highlight default link btStructure   Structure
highlight default link btOperator    Operator
highlight default link btBoolean     Boolean
highlight default link btType        Type
highlight default link btFunction    Function
highlight default link btVariable    Identifier
highlight default link btParameter   Constant
highlight default link btMap         Special
highlight default link btNumber      Number
highlight default link btDirective   PreProc
highlight default link btShebang     PreProc
highlight default link btProbe       Keyword
highlight default link btEscape      SpecialChar
highlight default link btConversion  SpecialChar
highlight default link btString      String
highlight default link btTodo        Todo
highlight default link btComment     Comment

setlocal commentstring=//\ %s
let b:current_syntax = 'bt'
